"use strict";
/* The page is whole without this: it adds the filter, and opens the case that an address points at. */
(() => {
  const form = document.querySelector("#filter");
  const cases = [...document.querySelectorAll("details.case")];
  const texts = new Map();

  function text(element) {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  }

  function filter() {
    const call = form.elements.call.value, verdict = form.elements.verdict.value;
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const element of cases) {
      const fits = (!call || element.parentElement.dataset.call === call)
        && (!verdict || element.dataset.verdicts.split(" ").includes(verdict))
        && words.every((word) => text(element).includes(word));
      element.hidden = !fits;
      shown += fits;
    }
    for (const group of document.querySelectorAll("section.group")) {
      group.hidden = !group.querySelector("details.case:not([hidden])");
    }
    form.elements.shown.value = `${shown.toLocaleString("en")} of ${cases.length.toLocaleString("en")} cases`;
  }

  function clear() {
    form.reset();
    filter();
  }

  function open() {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (form && target.closest("[hidden]")) clear();
    const details = target.closest("details");
    if (details) details.open = true;
    target.scrollIntoView();
  }

  function set(isOpen) {
    for (const element of cases) if (!element.hidden) element.open = isOpen;
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("input", filter);
    form.elements.clear.addEventListener("click", clear);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.elements.open.addEventListener("click", () => set(true));
    form.elements.close.addEventListener("click", () => set(false));
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.closest("input, select")) {
        event.preventDefault();
        form.elements.words.focus();
      }
    });
    filter();
  }
  addEventListener("hashchange", open);
  open();
})();

/* What server.c and client.c share: the way from the arguments to a socket address, and the end
 * of a program whose call failed. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ARGUMENTS \
    "FAMILY TYPE ADDRESS [PORT], as in: " \
    "inet stream 127.0.0.1 8080, inet6 dgram ::1 8080, local stream PATH"

/* The domain and type for socket, the address for bind or connect. */
struct endpoint {
    int domain;
    int type;
    struct sockaddr_storage addr;
    socklen_t addrlen;
};

static inline _Noreturn void fail(const char *call)
{
    perror(call);
    exit(EXIT_FAILURE);
}

static inline int port_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 5 || text[digits] != '\0')
        return -1;
    int port = atoi(text);
    return port <= UINT16_MAX ? port : -1;
}

static inline bool inet_address(const char *address, uint16_t port, struct endpoint *at)
{
    struct sockaddr_in *addr = (struct sockaddr_in *)&at->addr;
    addr->sin_family = AF_INET;
    addr->sin_port = htons(port);
    at->domain = AF_INET;
    at->addrlen = sizeof *addr;
    return inet_pton(AF_INET, address, &addr->sin_addr) == 1;
}

static inline bool inet6_address(const char *address, uint16_t port, struct endpoint *at)
{
    struct sockaddr_in6 *addr = (struct sockaddr_in6 *)&at->addr;
    addr->sin6_family = AF_INET6;
    addr->sin6_port = htons(port);
    at->domain = AF_INET6;
    at->addrlen = sizeof *addr;
    return inet_pton(AF_INET6, address, &addr->sin6_addr) == 1;
}

/* AF_LOCAL is POSIX's name for AF_UNIX. */
static inline bool local_address(const char *path, struct endpoint *at)
{
    struct sockaddr_un *addr = (struct sockaddr_un *)&at->addr;
    size_t length = strlen(path);
    if (length < 1 || length >= sizeof addr->sun_path)
        return false;
    addr->sun_family = AF_UNIX;
    memcpy(addr->sun_path, path, length);
    at->domain = AF_UNIX;
    at->addrlen = sizeof *addr;
    return true;
}

/* Fill the endpoint from FAMILY TYPE ADDRESS [PORT]; false if that is not what the arguments are. */
static inline bool parse(int argc, char **argv, struct endpoint *at)
{
    memset(at, 0, sizeof *at);
    if (argc < 4)
        return false;

    if (strcmp(argv[2], "stream") == 0)
        at->type = SOCK_STREAM;
    else if (strcmp(argv[2], "dgram") == 0)
        at->type = SOCK_DGRAM;
    else
        return false;

    if (strcmp(argv[1], "local") == 0)
        return argc == 4 && local_address(argv[3], at);

    int port = argc == 5 ? port_number(argv[4]) : -1;
    if (port == -1)
        return false;
    if (strcmp(argv[1], "inet") == 0)
        return inet_address(argv[3], (uint16_t)port, at);
    if (strcmp(argv[1], "inet6") == 0)
        return inet6_address(argv[3], (uint16_t)port, at);
    return false;
}

#endif

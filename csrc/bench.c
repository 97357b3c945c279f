/* The jobs of `pysock-raw bench` in plain C. Reads "JOB TIMES" lines and answers each with the nanoseconds that so
 * many turns took and the times that the kernel gave the processor to somebody else meanwhile. What a job only
 * prepares or clears away is off the clock, and a call that fails ends the program. The same jobs in Python, in the
 * same order, are in pysock_raw/bench/calls.py. */
#define _GNU_SOURCE /* sendmmsg, recvmmsg */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 500, BACKLOG = 64, SHORT = 16, PACKETS = 64, LONG = 65536 };

static int listener;
static struct sockaddr_in address; /* of the listener */
static int tcp[2], local[2], udp[2];
static char data[LONG], buffer[LONG];
static struct mmsghdr sent[PACKETS], received[PACKETS];
static struct iovec out[PACKETS], in[PACKETS];

static int must(int result)
{
    if (result == -1) {
        perror("bench");
        exit(1);
    }
    return result;
}

static void all(ssize_t count, ssize_t of)
{
    if (count != of) {
        fprintf(stderr, "bench: %zd instead of %zd\n", count, of);
        exit(1);
    }
}

static long long clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int tcp_socket(void) { return must(socket(AF_INET, SOCK_STREAM, 0)); }

static void connect_to_listener(int fd)
{ must(connect(fd, (struct sockaddr *)&address, sizeof address)); }

static int accept_from(struct sockaddr_in *peer)
{
    socklen_t length = sizeof *peer;
    return must(accept(listener, (struct sockaddr *)peer, &length));
}

static void loopback(int fd, struct sockaddr_in *name)
{
    socklen_t length = sizeof *name;
    *name = (struct sockaddr_in){.sin_family = AF_INET};
    name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(bind(fd, (struct sockaddr *)name, sizeof *name));
    must(getsockname(fd, (struct sockaddr *)name, &length));
}

/* An accepted socket inherits SO_LINGER: closed first, it resets the connection, so that no TIME_WAIT heaps up. */
static void prepare(void)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in name;
    listener = tcp_socket();
    must(setsockopt(listener, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
    loopback(listener, &address);
    must(listen(listener, BACKLOG));
    tcp[0] = tcp_socket();
    connect_to_listener(tcp[0]);
    tcp[1] = accept_from(&name);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, local));
    udp[0] = must(socket(AF_INET, SOCK_DGRAM, 0));
    udp[1] = must(socket(AF_INET, SOCK_DGRAM, 0));
    loopback(udp[1], &name);
    must(connect(udp[0], (struct sockaddr *)&name, sizeof name));
    for (int i = 0; i < PACKETS; i++) {
        out[i] = (struct iovec){.iov_base = data, .iov_len = SHORT};
        in[i] = (struct iovec){.iov_base = buffer + i * SHORT, .iov_len = SHORT};
        sent[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
        received[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
    }
}

static void close_all(const int *fds, int times)
{
    for (int i = 0; i < times; i++)
        must(close(fds[i]));
}

/* --- the jobs: nanoseconds for so many turns --- */

#define TIMED(turn)                              \
    do {                                         \
        const long long start = clock_ns();      \
        for (int i = 0; i < times; i++) {        \
            turn;                                \
        }                                        \
        took = clock_ns() - start;               \
    } while (0)

static long long nothing(int times)
{
    long long took;
    TIMED(__asm__ volatile("")); /* keeps the loop */
    return took;
}

static long long job_socket(int times)
{
    long long took;
    int fds[MOST];
    TIMED(fds[i] = tcp_socket());
    close_all(fds, times);
    return took;
}

static long long job_setsockopt(int times)
{
    long long took;
    const int one = 1;
    TIMED(must(setsockopt(tcp[0], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)));
    return took;
}

static long long job_bind(int times)
{
    long long took;
    int fds[MOST];
    struct sockaddr_in name = {.sin_family = AF_INET};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < times; i++)
        fds[i] = tcp_socket();
    TIMED(must(bind(fds[i], (struct sockaddr *)&name, sizeof name)));
    close_all(fds, times);
    return took;
}

static long long job_listen(int times)
{
    long long took;
    TIMED(must(listen(listener, BACKLOG)));
    return took;
}

static long long job_accept(int times)
{
    long long took;
    int clients[MOST], fds[MOST];
    struct sockaddr_in peer;
    for (int i = 0; i < times; i++)
        connect_to_listener(clients[i] = tcp_socket());
    TIMED(fds[i] = accept_from(&peer));
    close_all(fds, times);
    close_all(clients, times);
    return took;
}

static long long job_connect(int times)
{
    long long took;
    int clients[MOST], fds[MOST];
    struct sockaddr_in peer;
    for (int i = 0; i < times; i++)
        clients[i] = tcp_socket();
    TIMED(connect_to_listener(clients[i]));
    for (int i = 0; i < times; i++)
        fds[i] = accept_from(&peer);
    close_all(fds, times);
    close_all(clients, times);
    return took;
}

static void connection(void)
{
    struct sockaddr_in peer;
    const int client = tcp_socket();
    connect_to_listener(client);
    must(close(accept_from(&peer)));
    must(close(client));
}

static long long job_connection(int times)
{
    long long took;
    TIMED(connection());
    return took;
}

static void echo(const int *ends)
{
    all(send(ends[0], data, SHORT, 0), SHORT);
    all(recv(ends[1], buffer, SHORT, 0), SHORT);
    all(send(ends[1], data, SHORT, 0), SHORT);
    all(recv(ends[0], buffer, SHORT, 0), SHORT);
}

static long long tcp_echo(int times)
{
    long long took;
    TIMED(echo(tcp));
    return took;
}

static long long unix_echo(int times)
{
    long long took;
    TIMED(echo(local));
    return took;
}

static long long udp_batch(int times)
{
    long long took;
    TIMED(all(sendmmsg(udp[0], sent, PACKETS, 0), PACKETS);
          all(recvmmsg(udp[1], received, PACKETS, 0, NULL), PACKETS));
    return took;
}

static long long bulk(int times)
{
    long long took;
    TIMED(all(send(tcp[0], data, LONG, 0), LONG); all(recv(tcp[1], buffer, LONG, MSG_WAITALL), LONG));
    return took;
}

static const struct { const char *name; long long (*block)(int times); } jobs[] = {
    {"nothing", nothing},       {"socket", job_socket},         {"setsockopt", job_setsockopt},
    {"bind", job_bind},         {"listen", job_listen},         {"accept", job_accept},
    {"connect", job_connect},   {"connection", job_connection}, {"tcp-echo", tcp_echo},
    {"unix-echo", unix_echo},   {"udp-batch", udp_batch},       {"bulk", bulk},
};

static long preemptions(void)
{
    struct rusage usage;
    must(getrusage(RUSAGE_SELF, &usage));
    return usage.ru_nivcsw;
}

int main(void)
{
    char name[16];
    int times;
    prepare();
    while (scanf("%15s %d", name, &times) == 2 && 0 < times && times <= MOST)
        for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
            if (strcmp(jobs[i].name, name) == 0) {
                const long before = preemptions();
                const long long took = jobs[i].block(times);
                printf("%lld %ld\n", took, preemptions() - before);
                fflush(stdout);
            }
    return 0;
}

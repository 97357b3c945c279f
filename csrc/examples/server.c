/* The documents' server: prints the message of one client, answers it and ends.
 * pysock_raw/examples/server.py is this program line by line. */
#define _POSIX_C_SOURCE 200809L /* lstat */
#include "address.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER "Hello from server"

/* A local server that was killed leaves its path behind, and bind would find it in use. Nobody
 * holds such a path any more if even a datagram connect, which no server notices, is refused. */
static void remove_leftover(const char *path, const struct endpoint *at)
{
    struct stat file;
    if (lstat(path, &file) == -1 || !S_ISSOCK(file.st_mode))
        return;
    int probe = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (probe == -1)
        fail("socket");
    if (connect(probe, (const struct sockaddr *)&at->addr, at->addrlen) == -1 && errno == ECONNREFUSED)
        unlink(path);
    close(probe);
}

/* Tell that clients may come now, and to which port if the kernel was to choose it (PORT 0). */
static void announce(int sockfd, const char *address, struct endpoint *at)
{
    if (at->domain == AF_UNIX) {
        printf("listening on %s\n", address);
    } else {
        if (getsockname(sockfd, (struct sockaddr *)&at->addr, &at->addrlen) == -1)
            fail("getsockname");
        /* sin6_port stands where sin_port does. */
        printf("listening on %s %d\n", address, ntohs(((struct sockaddr_in *)&at->addr)->sin_port));
    }
    fflush(stdout);
}

static void serve_stream(int sockfd)
{
    struct sockaddr_storage addr;
    socklen_t addrlen = sizeof addr;
    char message[1024];

    /* 5. Accept: the connection is established, on a socket of its own. */
    int new_socket = accept(sockfd, (struct sockaddr *)&addr, &addrlen);
    if (new_socket == -1)
        fail("accept");
    ssize_t received = recv(new_socket, message, sizeof message, 0);
    if (received == -1)
        fail("recv");
    printf("%.*s\n", (int)received, message);
    if (send(new_socket, ANSWER, strlen(ANSWER), MSG_NOSIGNAL) == -1)
        fail("send");
    close(new_socket);
}

/* Without connections there is nothing to accept: the client's address comes with its message. */
static void serve_dgram(int sockfd)
{
    struct sockaddr_storage addr;
    socklen_t addrlen = sizeof addr;
    char message[1024];

    ssize_t received = recvfrom(sockfd, message, sizeof message, 0, (struct sockaddr *)&addr, &addrlen);
    if (received == -1)
        fail("recvfrom");
    printf("%.*s\n", (int)received, message);
    if (sendto(sockfd, ANSWER, strlen(ANSWER), 0, (struct sockaddr *)&addr, addrlen) == -1)
        fail("sendto");
}

int main(int argc, char **argv)
{
    struct endpoint at;
    if (!parse(argc, argv, &at)) {
        fputs("usage: server " ARGUMENTS "\n", stderr);
        return 2;
    }
    const char *address = argv[3];

    /* 1. Socket creation */
    int sockfd = socket(at.domain, at.type, 0);
    if (sockfd == -1)
        fail("socket");

    /* 2. Setsockopt: bind may take a port that an earlier server used (and on Linux even one that another
     * datagram server uses now). There is no such option for a path. */
    if (at.domain == AF_UNIX) {
        remove_leftover(address, &at);
    } else {
        int one = 1;
        if (setsockopt(sockfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1)
            fail("setsockopt");
    }

    /* 3. Bind */
    if (bind(sockfd, (struct sockaddr *)&at.addr, at.addrlen) == -1)
        fail("bind");

    /* 4. Listen */
    if (at.type == SOCK_STREAM && listen(sockfd, 3) == -1)
        fail("listen");
    announce(sockfd, address, &at);

    /* 5. Accept */
    if (at.type == SOCK_STREAM)
        serve_stream(sockfd);
    else
        serve_dgram(sockfd);

    close(sockfd);
    if (at.domain == AF_UNIX)
        unlink(address);
    return 0;
}

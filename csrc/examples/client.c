/* The documents' client: sends its message to the server and prints the answer.
 * pysock_raw/examples/client.py is this program line by line. */
#include "address.h"

#include <unistd.h>

#define MESSAGE "Hello from client"

/* A datagram socket needs a name for the server to answer to. The inet families give it one by
 * themselves; on AF_UNIX an address that ends after its family asks for one (autobind, unix(7)). */
static void bind_to_any_name(int sockfd)
{
    struct sockaddr_storage addr = {.ss_family = AF_UNIX};
    if (bind(sockfd, (struct sockaddr *)&addr, sizeof addr.ss_family) == -1)
        fail("bind");
}

int main(int argc, char **argv)
{
    struct endpoint to;
    if (!parse(argc, argv, &to)) {
        fputs("usage: client " ARGUMENTS "\n", stderr);
        return 2;
    }

    /* 1. Socket creation */
    int sockfd = socket(to.domain, to.type, 0);
    if (sockfd == -1)
        fail("socket");
    if (to.domain == AF_UNIX && to.type == SOCK_DGRAM)
        bind_to_any_name(sockfd);

    /* 2. Connect: on a datagram socket this only notes where send is to send to. */
    if (connect(sockfd, (struct sockaddr *)&to.addr, to.addrlen) == -1)
        fail("connect");

    char answer[1024];
    if (send(sockfd, MESSAGE, strlen(MESSAGE), MSG_NOSIGNAL) == -1)
        fail("send");
    ssize_t received = recv(sockfd, answer, sizeof answer, 0);
    if (received == -1)
        fail("recv");
    printf("%.*s\n", (int)received, answer);

    close(sockfd);
    return 0;
}

/* The prototypes of pysock_raw: the one declaration of each call, read by the C compiler
 * and by cffi (build_ffi.py drops the preprocessor's lines).
 *
 * Each function is the libc function of the same name without the prefix: same arguments in
 * the same order, same result, same errno. The order is that of backends/contract.py. */
#ifndef PYSOCK_RAW_H
#define PYSOCK_RAW_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

struct mmsghdr;

/* the calls of the documents */
int pysock_raw_socket(int domain, int type, int protocol);
int pysock_raw_setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen);
int pysock_raw_bind(int fd, const struct sockaddr *addr, socklen_t addrlen);
int pysock_raw_listen(int fd, int backlog);
int pysock_raw_accept(int fd, struct sockaddr *addr, socklen_t *addrlen);
int pysock_raw_connect(int fd, const struct sockaddr *addr, socklen_t addrlen);

/* their companions */
int pysock_raw_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags);
int pysock_raw_socketpair(int domain, int type, int protocol, int *sv);
int pysock_raw_getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen);
int pysock_raw_getsockname(int fd, struct sockaddr *addr, socklen_t *addrlen);
int pysock_raw_getpeername(int fd, struct sockaddr *addr, socklen_t *addrlen);
int pysock_raw_shutdown(int fd, int how);
int pysock_raw_close(int fd);
ssize_t pysock_raw_read(int fd, void *buf, size_t count);
ssize_t pysock_raw_write(int fd, const void *buf, size_t count);
ssize_t pysock_raw_send(int fd, const void *buf, size_t len, int flags);
ssize_t pysock_raw_recv(int fd, void *buf, size_t len, int flags);
ssize_t pysock_raw_sendto(int fd, const void *buf, size_t len, int flags,
                          const struct sockaddr *addr, socklen_t addrlen);
ssize_t pysock_raw_recvfrom(int fd, void *buf, size_t len, int flags,
                            struct sockaddr *addr, socklen_t *addrlen);
ssize_t pysock_raw_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t pysock_raw_recvmsg(int fd, struct msghdr *msg, int flags);
int pysock_raw_sendmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags);
int pysock_raw_recvmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags, struct timespec *timeout);
int pysock_raw_poll(struct pollfd *fds, nfds_t nfds, int timeout);
int pysock_raw_fcntl(int fd, int cmd, int arg);

/* conversions */
uint16_t pysock_raw_htons(uint16_t hostshort);
uint32_t pysock_raw_htonl(uint32_t hostlong);
uint16_t pysock_raw_ntohs(uint16_t netshort);
uint32_t pysock_raw_ntohl(uint32_t netlong);
int pysock_raw_inet_pton(int af, const char *src, void *dst);
const char *pysock_raw_inet_ntop(int af, const void *src, char *dst, socklen_t size);

/* control messages: macros in C */
struct cmsghdr *pysock_raw_CMSG_FIRSTHDR(struct msghdr *msgh);
struct cmsghdr *pysock_raw_CMSG_NXTHDR(struct msghdr *msgh, struct cmsghdr *cmsg);
unsigned char *pysock_raw_CMSG_DATA(struct cmsghdr *cmsg);
size_t pysock_raw_CMSG_LEN(size_t length);
size_t pysock_raw_CMSG_SPACE(size_t length);

/* errors */
char *pysock_raw_strerror(int errnum);

#endif

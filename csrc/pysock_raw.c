/* One function a call, one libc call a function, in the header's order. No state, no retry, and
 * errno is left as libc set it: cffi reads it before anything else can run (ffi.errno). */
#define _GNU_SOURCE /* accept4, sendmmsg, recvmmsg */
#include "pysock_raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* the calls of the documents */
int pysock_raw_socket(int domain, int type, int protocol) { return socket(domain, type, protocol); }
int pysock_raw_setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen)
{ return setsockopt(fd, level, optname, optval, optlen); }
int pysock_raw_bind(int fd, const struct sockaddr *addr, socklen_t addrlen) { return bind(fd, addr, addrlen); }
int pysock_raw_listen(int fd, int backlog) { return listen(fd, backlog); }
int pysock_raw_accept(int fd, struct sockaddr *addr, socklen_t *addrlen) { return accept(fd, addr, addrlen); }
int pysock_raw_connect(int fd, const struct sockaddr *addr, socklen_t addrlen)
{ return connect(fd, addr, addrlen); }

/* their companions */
int pysock_raw_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
{
#ifdef SOCK_NONBLOCK
    return accept4(fd, addr, addrlen, flags);
#else /* macOS has no accept4 */
    (void)fd, (void)addr, (void)addrlen, (void)flags;
    errno = ENOSYS;
    return -1;
#endif
}

int pysock_raw_socketpair(int domain, int type, int protocol, int *sv)
{ return socketpair(domain, type, protocol, sv); }
int pysock_raw_getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen)
{ return getsockopt(fd, level, optname, optval, optlen); }
int pysock_raw_getsockname(int fd, struct sockaddr *addr, socklen_t *addrlen)
{ return getsockname(fd, addr, addrlen); }
int pysock_raw_getpeername(int fd, struct sockaddr *addr, socklen_t *addrlen)
{ return getpeername(fd, addr, addrlen); }
int pysock_raw_shutdown(int fd, int how) { return shutdown(fd, how); }
int pysock_raw_close(int fd) { return close(fd); }
ssize_t pysock_raw_read(int fd, void *buf, size_t count) { return read(fd, buf, count); }
ssize_t pysock_raw_write(int fd, const void *buf, size_t count) { return write(fd, buf, count); }
ssize_t pysock_raw_send(int fd, const void *buf, size_t len, int flags) { return send(fd, buf, len, flags); }
ssize_t pysock_raw_recv(int fd, void *buf, size_t len, int flags) { return recv(fd, buf, len, flags); }
ssize_t pysock_raw_sendto(int fd, const void *buf, size_t len, int flags,
                          const struct sockaddr *addr, socklen_t addrlen)
{ return sendto(fd, buf, len, flags, addr, addrlen); }
ssize_t pysock_raw_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen)
{ return recvfrom(fd, buf, len, flags, addr, addrlen); }
ssize_t pysock_raw_sendmsg(int fd, const struct msghdr *msg, int flags) { return sendmsg(fd, msg, flags); }
ssize_t pysock_raw_recvmsg(int fd, struct msghdr *msg, int flags) { return recvmsg(fd, msg, flags); }

int pysock_raw_sendmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags)
{
#ifdef MSG_WAITFORONE
    return sendmmsg(fd, msgvec, vlen, flags);
#else /* macOS has neither this one nor the next */
    (void)fd, (void)msgvec, (void)vlen, (void)flags;
    errno = ENOSYS;
    return -1;
#endif
}

int pysock_raw_recvmmsg(int fd, struct mmsghdr *msgvec, unsigned int vlen, int flags, struct timespec *timeout)
{
#ifdef MSG_WAITFORONE
    return recvmmsg(fd, msgvec, vlen, flags, timeout);
#else
    (void)fd, (void)msgvec, (void)vlen, (void)flags, (void)timeout;
    errno = ENOSYS;
    return -1;
#endif
}

int pysock_raw_poll(struct pollfd *fds, nfds_t nfds, int timeout) { return poll(fds, nfds, timeout); }
int pysock_raw_fcntl(int fd, int cmd, int arg) { return fcntl(fd, cmd, arg); }

/* conversions */
uint16_t pysock_raw_htons(uint16_t hostshort) { return htons(hostshort); }
uint32_t pysock_raw_htonl(uint32_t hostlong) { return htonl(hostlong); }
uint16_t pysock_raw_ntohs(uint16_t netshort) { return ntohs(netshort); }
uint32_t pysock_raw_ntohl(uint32_t netlong) { return ntohl(netlong); }
int pysock_raw_inet_pton(int af, const char *src, void *dst) { return inet_pton(af, src, dst); }
const char *pysock_raw_inet_ntop(int af, const void *src, char *dst, socklen_t size)
{ return inet_ntop(af, src, dst, size); }

/* control messages: macros in C */
struct cmsghdr *pysock_raw_CMSG_FIRSTHDR(struct msghdr *msgh) { return CMSG_FIRSTHDR(msgh); }
struct cmsghdr *pysock_raw_CMSG_NXTHDR(struct msghdr *msgh, struct cmsghdr *cmsg)
{ return CMSG_NXTHDR(msgh, cmsg); }
unsigned char *pysock_raw_CMSG_DATA(struct cmsghdr *cmsg) { return CMSG_DATA(cmsg); }
size_t pysock_raw_CMSG_LEN(size_t length) { return CMSG_LEN(length); }
size_t pysock_raw_CMSG_SPACE(size_t length) { return CMSG_SPACE(length); }

/* errors */
char *pysock_raw_strerror(int errnum) { return strerror(errnum); }

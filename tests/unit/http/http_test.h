/* What the tests of the HTTP module share: raw sockets on 127.0.0.1 and test certificates. */
#ifndef HTTP_TEST_H
#define HTTP_TEST_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vch_test.h>
#include <vouch/base/buf.h>
#include <vouch/http/client.h>
#include <vouch/http/server.h>

static inline int t_connect(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval limit = {20, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    return fd;
}

static inline void t_send(int fd, struct vch_bytes b)
{
    while (b.n > 0) {
        ssize_t n = send(fd, b.p, b.n, MSG_NOSIGNAL);

        assert_true(n > 0);
        b = vch_bytes_slice(b, (size_t)n, b.n);
    }
}

static inline void t_send_text(int fd, const char *text)
{
    t_send(fd, vch_text(text));
}

/* An answer read from a socket. */
struct t_answer {
    unsigned status; /* 0: the connection ended first */
    struct vch_buf head, body;
};

static inline void t_answer_fini(struct t_answer *a)
{
    vch_buf_fini(&a->head);
    vch_buf_fini(&a->body);
}

/* Value of a header in the head, NUL-terminated, "" if absent; valid until the next call. */
static inline const char *t_header(const struct t_answer *a, const char *name)
{
    static char value[512];
    struct vch_http_answer view = {.head = a->head};
    struct vch_bytes v = vch_http_answer_header(&view, name);

    assert_true(v.n < sizeof(value));
    if (v.n > 0) {
        memcpy(value, v.p, v.n);
    }
    value[v.n] = 0;
    return value;
}

static inline bool t_byte(int fd, uint8_t *ret)
{
    return recv(fd, ret, 1, 0) == 1;
}

/* Reads one answer with Content-Length (or none) from FD. HEAD: no body follows. */
static inline struct t_answer t_receive(int fd, bool head)
{
    struct t_answer a = {.head = vch_buf_init(65536), .body = vch_buf_init(16 * 1024 * 1024)};
    const char *text;
    uint64_t n = 0;
    uint8_t c;

    while (a.head.n < 4 || memcmp(a.head.p + a.head.n - 4, "\r\n\r\n", 4) != 0) {
        if (!t_byte(fd, &c)) {
            return a;
        }
        assert_vch_ok(vch_buf_append(&a.head, vch_bytes(&c, 1)));
    }
    assert_vch_ok(vch_buf_cstr(&a.head, &text));
    assert_int_equal(sscanf(text, "HTTP/1.1 %u", &a.status), 1);
    text = t_header(&a, "Content-Length");
    if (*text != 0 && !head) {
        assert_vch_ok(vch_u64_parse(vch_text(text), 16 * 1024 * 1024, &n));
    }
    while (a.body.n < n && t_byte(fd, &c)) {
        assert_vch_ok(vch_buf_append(&a.body, vch_bytes(&c, 1)));
    }
    assert_int_equal(a.body.n, n);
    return a;
}

/* True when the other side has closed and nothing is left to read. */
static inline bool t_closed(int fd)
{
    uint8_t c;

    return recv(fd, &c, 1, 0) <= 0;
}

static inline bool t_contains(const struct vch_buf *b, const char *text)
{
    return b->n > 0 && memmem(b->p, b->n, text, strlen(text)) != NULL;
}

/* Sends one request on a new connection and returns the answer's status. */
static inline struct t_answer t_ask(uint16_t port, const char *request)
{
    int fd = t_connect(port);
    struct t_answer a;

    t_send_text(fd, request);
    a = t_receive(fd, strncmp(request, "HEAD", 4) == 0);
    close(fd);
    return a;
}

#define H "Host: x\r\n"

struct fixture {
    struct vch_http_server *server;
    uint16_t port;
};

/* Fails unless REQUEST on a new connection is answered with STATUS and (if given) a body that
 * contains BODY. */
static inline void expect(uint16_t port, const char *request, unsigned status, const char *body)
{
    struct t_answer a = t_ask(port, request);

    if (a.status != status || (body != NULL && !t_contains(&a.body, body))) {
        fail_msg("%s\n-> %u %.*s", request, a.status, (int)a.body.n, (const char *)a.body.p);
    }
    t_answer_fini(&a);
}

/* A counter that threads wait on. */
struct t_count {
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned n;
};
#define T_COUNT_INIT                                                                               \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                                     \
    }

static inline void t_count_add(struct t_count *c)
{
    pthread_mutex_lock(&c->lock);
    c->n++;
    pthread_cond_broadcast(&c->more);
    pthread_mutex_unlock(&c->lock);
}

static inline void t_count_wait(struct t_count *c, unsigned n)
{
    pthread_mutex_lock(&c->lock);
    while (c->n < n) {
        pthread_cond_wait(&c->more, &c->lock);
    }
    pthread_mutex_unlock(&c->lock);
}

/* A folder of its own for the test, removed at its end by t_folder_close. */
static inline char *t_folder_open(void)
{
    char *dir = vch_mem_text(vch_text("/tmp/vouch-http-test-XXXXXX"));

    assert_non_null(mkdtemp(dir));
    return dir;
}

/* Runs a program in DIR, its output to out.txt there; returns its exit status. */
static inline int t_run(const char *dir, const char *const argv[])
{
    posix_spawn_file_actions_t io;
    union {
        const char *const *in;
        char *const *out;
    } args = {argv};
    pid_t pid;
    int status;

    assert_int_equal(posix_spawn_file_actions_init(&io), 0);
    assert_int_equal(posix_spawn_file_actions_addchdir_np(&io, dir), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&io, 0, "/dev/null", O_RDONLY, 0), 0);
    assert_int_equal(
        posix_spawn_file_actions_addopen(&io, 1, "out.txt", O_WRONLY | O_CREAT | O_TRUNC, 0600), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&io, 1, 2), 0);
    assert_int_equal(posix_spawnp(&pid, argv[0], &io, NULL, args.out, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&io), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}
#define T_RUN(dir, ...) t_run((dir), (const char *const[]){__VA_ARGS__, NULL})

static inline void t_folder_close(char *dir)
{
    assert_int_equal(T_RUN("/", "rm", "-rf", dir), 0);
    vch_mem_free(dir);
}

#endif

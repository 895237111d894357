// A model provider for benchmarks: one thread, one epoll set, 127.0.0.1 only.
//
//   upstream [CERTIFICATE KEY]
//
// Listens on a free port, and on a second one with TLS when a certificate is given; prints "ready PLAIN TLS".
// Every POST is answered with a chat completion of about 1.2 KB; with `"stream":true` in the body it is answered with
// server-sent events, one event per chunk and per write. Commands on standard input, one answer line for each:
//
//   set EVENTS GAP_US     content events per stream, and the time between two of them (0: no pause)
//   count                 requests, streams, connections, open, handshakes, resumed - all since the start, but for open
//
// The end of standard input ends the process, so it does not outlive its runner.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { in_bytes = 8192, out_bytes = 4096, variants = 4, batch = 256 };

struct peer {
    int fd;
    SSL *tls;
    int in_used;
    int out_used;
    int heap_place;  // -1: no event is due
    int events_sent;
    int events_all;  // content events of the stream that runs; -1: none runs
    bool wants_usage;
    bool wants_write;
    bool greeted;
    uint64_t due;
    char in[in_bytes];
    char out[out_bytes];
};

struct text {
    char bytes[2048];
    int count;
};

static struct text reply, stream_head, first_event, content_event[variants], finish_event, usage_event, end_event;
static int events_per_stream = 100;
static uint64_t gap_ns = 0;
static uint64_t requests, streams, connections, open_now, handshakes, resumed;
static struct peer **heap;
static int heap_count, heap_room;
static int poll_fd, timer_fd;
static SSL_CTX *tls_context;
static int plain_listener = -1, tls_listener = -1;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "upstream: %s: %s\n", what, strerror(errno));
    exit(1);
}

// ---- what is sent

static void chunk(struct text *to, const char *event) {
    int n = snprintf(to->bytes, sizeof to->bytes, "%zx\r\n%s\r\n", strlen(event), event);
    to->count = n;
}

#define CHUNK_HEAD                                                                                             \
    "data: {\"id\":\"chatcmpl-bench0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"  \
    "\"model\":\"gpt-test\",\"choices\":"

static void make_texts(void) {
    char body[1500], filler[900];
    const char *words = "The short answer is that a proxy should cost little more than the copy of bytes. ";
    filler[0] = 0;
    while (strlen(filler) + strlen(words) < 780) strcat(filler, words);
    int n = snprintf(
        body, sizeof body,
        "{\"id\":\"chatcmpl-bench0123456789\",\"object\":\"chat.completion\",\"created\":1700000000,"
        "\"model\":\"gpt-test\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\","
        "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":118,"
        "\"completion_tokens\":170,\"total_tokens\":288,\"prompt_tokens_details\":{\"cached_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":0}},\"system_fingerprint\":\"fp_bench\"}",
        filler);
    reply.count = snprintf(
        reply.bytes, sizeof reply.bytes,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        "x-request-id: req_bench\r\nopenai-processing-ms: 12\r\n\r\n%s",
        n, body);
    stream_head.count = snprintf(
        stream_head.bytes, sizeof stream_head.bytes,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"
        "x-request-id: req_bench\r\n\r\n");
    chunk(&first_event, CHUNK_HEAD
          "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n");
    // 50, 188, 204 and 236 bytes: what small servers and large vendors send for one token.
    chunk(&content_event[0], "data: {\"choices\":[{\"delta\":{\"content\":\" and\"}}]}\n\n");
    chunk(&content_event[1], CHUNK_HEAD
          "[{\"index\":0,\"delta\":{\"content\":\" token\"},\"finish_reason\":null}]}\n\n");
    chunk(&content_event[2], CHUNK_HEAD
          "[{\"index\":0,\"delta\":{\"content\":\" proxy\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
    chunk(&content_event[3], CHUNK_HEAD
          "[{\"index\":0,\"delta\":{\"content\":\" \\\"said\\\" it\"},\"logprobs\":null,\"finish_reason\":null}],"
          "\"system_fingerprint\":\"fp\"}\n\n");
    chunk(&finish_event, CHUNK_HEAD "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    chunk(&usage_event, CHUNK_HEAD
          "[],\"usage\":{\"prompt_tokens\":118,\"completion_tokens\":100,\"total_tokens\":218}}\n\n");
    chunk(&end_event, "data: [DONE]\n\n");
    strcat(end_event.bytes, "0\r\n\r\n");
    end_event.count = (int)strlen(end_event.bytes);
}

// ---- due events: a binary heap by time

static void heap_set(int place, struct peer *p) {
    heap[place] = p;
    p->heap_place = place;
}

static void heap_settle(int place) {
    struct peer *p = heap[place];
    while (place > 0 && heap[(place - 1) / 2]->due > p->due) {
        heap_set(place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        int child = 2 * place + 1;
        if (child >= heap_count) break;
        if (child + 1 < heap_count && heap[child + 1]->due < heap[child]->due) child++;
        if (heap[child]->due >= p->due) break;
        heap_set(place, heap[child]);
        place = child;
    }
    heap_set(place, p);
}

static void heap_remove(struct peer *p) {
    int place = p->heap_place;
    if (place < 0) return;
    p->heap_place = -1;
    struct peer *last = heap[--heap_count];
    if (last == p) return;
    heap_set(place, last);
    heap_settle(place);
}

static void heap_add(struct peer *p, uint64_t due) {
    heap_remove(p);
    if (heap_count == heap_room) {
        heap_room = heap_room ? heap_room * 2 : 1024;
        heap = realloc(heap, (size_t)heap_room * sizeof *heap);
        if (!heap) die("memory");
    }
    p->due = due;
    heap_set(heap_count, p);
    heap_settle(heap_count++);
}

// ---- connections

static void forget(struct peer *p) {
    heap_remove(p);
    if (p->tls) SSL_free(p->tls);
    close(p->fd);
    open_now--;
    free(p);
}

static void watch(struct peer *p, bool write) {
    if (p->wants_write == write) return;
    p->wants_write = write;
    struct epoll_event e = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = p};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, p->fd, &e);
}

// Bytes taken; 0: try later; -1: broken.
static int put(struct peer *p, const char *bytes, int count) {
    if (p->tls) {
        int n = SSL_write(p->tls, bytes, count);
        if (n > 0) return n;
        int why = SSL_get_error(p->tls, n);
        ERR_clear_error();
        return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
    }
    ssize_t n = send(p->fd, bytes, (size_t)count, MSG_NOSIGNAL);
    if (n >= 0) return (int)n;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static int get(struct peer *p, char *bytes, int count) {
    if (p->tls) {
        int n = SSL_read(p->tls, bytes, count);
        if (!p->greeted && SSL_is_init_finished(p->tls)) {
            p->greeted = true;
            handshakes++;
            resumed += (uint64_t)SSL_session_reused(p->tls);
        }
        if (n > 0) return n;
        int why = SSL_get_error(p->tls, n);
        ERR_clear_error();
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    ssize_t n = recv(p->fd, bytes, (size_t)count, 0);
    if (n > 0) return (int)n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

// Sends now, or keeps what the socket does not take. False: the connection is of no use any more.
static bool send_text(struct peer *p, const struct text *t) {
    int sent = p->out_used ? 0 : put(p, t->bytes, t->count);
    if (sent < 0) return false;
    int rest = t->count - sent;
    if (rest == 0) return true;
    if (p->out_used + rest > out_bytes) return false;
    memcpy(p->out + p->out_used, t->bytes + sent, (size_t)rest);
    p->out_used += rest;
    watch(p, true);
    return true;
}

static bool start_stream(struct peer *p, bool wants_usage) {
    streams++;
    p->events_sent = 0;
    p->events_all = events_per_stream;
    p->wants_usage = wants_usage;
    if (!send_text(p, &stream_head)) return false;
    heap_add(p, now_ns());
    return true;
}

// The next event of a stream; the one after it becomes due a gap later, or as soon as the socket takes bytes again.
static bool advance(struct peer *p) {
    if (p->out_used) return true;
    int n = p->events_sent++;
    const struct text *event;
    if (n == 0) event = &first_event;
    else if (n <= p->events_all) event = &content_event[n % variants];
    else if (n == p->events_all + 1) event = &finish_event;
    else if (n == p->events_all + 2 && p->wants_usage) event = &usage_event;
    else event = &end_event;
    if (!send_text(p, event)) return false;
    if (event == &end_event) p->events_all = -1;
    else if (!p->out_used) heap_add(p, n == 0 || n >= p->events_all ? now_ns() : p->due + gap_ns);
    return true;
}

// Answers every whole request in the buffer. False: what came is not what a proxy sends.
static bool answer(struct peer *p) {
    while (p->in_used > 0 && p->events_all < 0) {
        char *end = memmem(p->in, (size_t)p->in_used, "\r\n\r\n", 4);
        if (!end) return p->in_used < in_bytes;
        *end = 0;
        char *field = strcasestr(p->in, "\r\ncontent-length:");
        *end = '\r';
        long length = field ? strtol(field + 17, NULL, 10) : 0;
        long all = (end + 4 - p->in) + length;
        if (length < 0 || all > in_bytes) return false;
        if (p->in_used < all) return true;
        bool stream = memmem(end, (size_t)length + 4, "\"stream\":true", 13) != NULL;
        bool usage = memmem(end, (size_t)length + 4, "\"include_usage\":true", 20) != NULL;
        p->in_used -= (int)all;
        memmove(p->in, p->in + all, (size_t)p->in_used);
        requests++;
        if (!(stream ? start_stream(p, usage) : send_text(p, &reply))) return false;
    }
    return true;
}

static bool serve(struct peer *p, uint32_t events) {
    if (events & EPOLLOUT && p->out_used) {
        int n = put(p, p->out, p->out_used);
        if (n < 0) return false;
        p->out_used -= n;
        memmove(p->out, p->out + n, (size_t)p->out_used);
        if (!p->out_used) {
            watch(p, false);
            if (p->events_all >= 0) heap_add(p, now_ns());
        }
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return true;
    do {
        int room = in_bytes - p->in_used;
        if (room == 0) return false;
        int n = get(p, p->in + p->in_used, room);
        if (n <= 0) return n == 0;
        p->in_used += n;
        if (!answer(p)) return false;
    } while (p->tls);
    return true;
}

static void welcome(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct peer *p = calloc(1, sizeof *p);
        if (!p) die("memory");
        p->fd = fd;
        p->heap_place = p->events_all = -1;
        if (listener == tls_listener) {
            p->tls = SSL_new(tls_context);
            SSL_set_fd(p->tls, fd);
            SSL_set_accept_state(p->tls);
        }
        connections++;
        open_now++;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e);
    }
}

static int listen_somewhere(int *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) || listen(fd, 16384)) die("listen");
    getsockname(fd, (struct sockaddr *)&a, &size);
    *port = ntohs(a.sin_port);
    return fd;
}

static void load_certificate(char **paths) {
    tls_context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_id_context(tls_context, (const unsigned char *)"bench", 5);
    if (SSL_CTX_use_certificate_chain_file(tls_context, paths[0]) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_context, paths[1], SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

// One command, or the end.
static void obey(void) {
    char line[256];
    if (!fgets(line, sizeof line, stdin)) exit(0);
    unsigned long events, gap;
    if (sscanf(line, "set %lu %lu", &events, &gap) == 2) {
        events_per_stream = (int)events;
        gap_ns = gap * 1000;
        puts("ok");
    } else {
        printf("%lu %lu %lu %lu %lu %lu\n", requests, streams, connections, open_now, handshakes, resumed);
    }
    fflush(stdout);
}

static void set_timer(void) {
    if (heap_count == 0) return;
    uint64_t due = heap[0]->due;
    struct itimerspec at = {.it_value = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

// Sends what is due, each stream at most one event, so that events of several streams go out by turns.
static bool send_due(void) {
    uint64_t now = now_ns();
    struct peer *turn[1024];
    int count = 0;
    while (heap_count > 0 && heap[0]->due <= now && count < 1024) {
        turn[count++] = heap[0];
        heap_remove(heap[0]);
    }
    for (int i = 0; i < count; i++)
        if (!advance(turn[i])) forget(turn[i]);
    return heap_count > 0 && heap[0]->due <= now_ns();
}

int main(int count, char **arguments) {
    static char in_mark, timer_mark, plain_mark, tls_mark;
    int plain_port = 0, tls_port = 0;
    make_texts();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    plain_listener = listen_somewhere(&plain_port);
    if (count == 3) {
        load_certificate(arguments + 1);
        tls_listener = listen_somewhere(&tls_port);
    }
    struct {
        int fd;
        void *mark;
    } own[] = {{STDIN_FILENO, &in_mark}, {timer_fd, &timer_mark},
             {plain_listener, &plain_mark}, {tls_listener, &tls_mark}};
    for (int i = 0; i < 4; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = own[i].mark};
        if (own[i].fd >= 0 && epoll_ctl(poll_fd, EPOLL_CTL_ADD, own[i].fd, &e)) die("epoll");
    }
    setvbuf(stdin, NULL, _IONBF, 0);
    printf("ready %d %d\n", plain_port, tls_port);
    fflush(stdout);
    for (;;) {
        struct epoll_event events[batch];
        bool more = send_due();
        if (!more) set_timer();
        int n = epoll_wait(poll_fd, events, batch, more ? 0 : -1);
        for (int i = 0; i < n; i++) {
            void *who = events[i].data.ptr;
            uint64_t ticks;
            if (who == &in_mark) obey();
            else if (who == &timer_mark) { if (read(timer_fd, &ticks, sizeof ticks) < 0) continue; }
            else if (who == &plain_mark) welcome(plain_listener);
            else if (who == &tls_mark) welcome(tls_listener);
            else if (!serve(who, events[i].events)) forget(who);
        }
    }
}

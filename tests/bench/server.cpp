/* SPDX-License-Identifier: Apache-2.0 */
/* server BLOCKS MIB: a C++ server after a long day: sessions, accounts and orders of classes, in the standard library's maps, lists, strings and shared pointers,
 * with the bodies of requests between them; BLOCKS blocks of malloc's in about MIB of heap. One session in 500 was forgotten by whoever had it. Says "ready", waits. */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <malloc.h>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

static uint64_t blocks, bytes, state = 88172645463325252U;

void *operator new(size_t size)
{
        void *p = malloc(size);
        if (!p)
                exit(1);
        blocks++;
        bytes += malloc_usable_size(p) + 8;
        return p;
}

void operator delete(void *p) noexcept
{
        if (!p)
                return;
        blocks--;
        bytes -= malloc_usable_size(p) + 8;
        free(p);
}

void operator delete(void *p, size_t) noexcept
{
        operator delete(p);
}

namespace
{
uint64_t roll()
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state * 2685821657736338717U >> 16;
}

class Thing
{
      public:
        virtual ~Thing() = default;
        virtual int kind() const = 0;
        uint64_t id = roll() % 1000000;
};

class Account : public Thing
{
      public:
        int kind() const override
        {
                return 1;
        }
        std::string name = "customer-" + std::to_string(id) + "@mail.example.org";
        double balance = static_cast<double>(id) / 7;
};

class Line : public Thing
{
      public:
        int kind() const override
        {
                return 2;
        }
        uint64_t item = roll() % 5000, price = roll() % 100000;
        Line *twin = nullptr;
};

class Order : public Thing
{
      public:
        int kind() const override
        {
                return 3;
        }
        std::vector<std::unique_ptr<Line>> lines;
        std::shared_ptr<Account> payer;
        std::string note =
                "ship to shelf " + std::to_string(roll() % 300) + ", door " + std::to_string(roll() % 9);
};

class Session : public Thing
{
      public:
        int kind() const override
        {
                return 4;
        }
        std::shared_ptr<Account> account;
        std::map<std::string, std::string> headers;
        std::list<std::unique_ptr<Order>> orders;
        std::vector<char> body;
        Session *previous = nullptr;
};

std::unique_ptr<Order> make_order(const std::shared_ptr<Account> &payer)
{
        auto order = std::make_unique<Order>();
        order->payer = payer;
        Line *last = nullptr;
        for (uint64_t n = 1 + roll() % 6; n; n--) {
                order->lines.push_back(std::make_unique<Line>());
                order->lines.back()->twin = last;
                last = order->lines.back().get();
        }
        return order;
}

Session *make_session(const std::shared_ptr<Account> &account, size_t body)
{
        auto *s = new Session;
        s->account = account;
        s->headers["User-Agent"] =
                "Mozilla/5.0 (X11; Linux x86_64; rv:" + std::to_string(roll() % 130) + ".0) Gecko/20100101";
        s->headers["Cookie"] = "session=" + std::to_string(roll()) + "; theme=dark";
        for (uint64_t n = roll() % 3; n; n--)
                s->orders.push_back(make_order(account));
        s->body.resize(body);
        for (size_t i = 0; i + 64 < body; i += 64)
                (void)snprintf(&s->body[i], 64, "{\"item\":%u,\"count\":%u,\"price\":%u}",
                               (unsigned)(roll() % 5000), (unsigned)(roll() % 9), (unsigned)(roll() % 99999));
        return s;
}

std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions;
std::vector<std::shared_ptr<Account>> accounts;
} // namespace

int main(int argc, char **argv)
{
        uint64_t most = argc > 1 ? strtoull(argv[1], nullptr, 10) : 1000000;
        uint64_t size = (argc > 2 ? strtoull(argv[2], nullptr, 10) : most / 2600) << 20;
        Session *last = nullptr;
        while (blocks < most) {
                if (accounts.size() < 1000 || roll() % 16 == 0)
                        accounts.push_back(std::make_shared<Account>());
                /* What the heap has less than it should by now goes to the body. */
                uint64_t due = static_cast<uint64_t>(static_cast<double>(size) * static_cast<double>(blocks) /
                                                     static_cast<double>(most));
                uint64_t lag = due > bytes ? due - bytes : 0;
                Session *s = make_session(accounts[roll() % accounts.size()],
                                          256 + (lag ? roll() % (2 * (lag < 32768 ? lag : 32768)) : 0));
                s->previous = last;
                last = roll() % 8 ? s : nullptr;
                if (roll() % 500)
                        sessions[roll()].reset(s);
                else
                        last = nullptr;                     /* nobody has it */
                if (roll() % 4 == 0 && !sessions.empty()) { /* sessions end, in no order */
                        auto gone = sessions.begin();
                        if (gone->second.get() == last)
                                last = nullptr;
                        sessions.erase(gone);
                }
        }
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* where only a parent may read a process (Yama) */
        printf("ready %llu\n", static_cast<unsigned long long>(blocks));
        fflush(stdout);
        for (;;)
                pause();
}

/*
 * \brief  Threads in RPC, at locks, in floating point, with signals; checks itself and knows nothing of checkpoints
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/component.h>
#include <base/log.h>
#include <base/mutex.h>
#include <base/rpc_client.h>
#include <base/rpc_server.h>
#include <base/semaphore.h>
#include <base/thread.h>
#include <timer_session/connection.h>

using namespace Genode;


enum { STACK = 16*1024, ROUNDS = 12, PERIOD_US = 250*1000 };

static unsigned volatile violations;

static void violation(char const *what)
{
	violations = violations + 1;
	error("VIOLATION: ", what);
}


struct Base : Thread
{
	Base(Env &env, char const *name) : Thread(env, Name(name), Stack_size { STACK }) { }
};


/* RPC between two entrypoints' threads: each request is executed once */

struct Counting : Interface
{
	GENODE_RPC(Rpc_next, unsigned, next, unsigned);
	GENODE_RPC_INTERFACE(Rpc_next);
};

struct Counter : Rpc_object<Counting, Counter>
{
	unsigned volatile calls = 0;

	unsigned next(unsigned seen)
	{
		if (seen != calls) violation("request executed twice or lost");
		calls = calls + 1;
		for (unsigned i = 0; i < 2*1000*1000; i++) asm volatile ("" ::: "memory");
		return calls;
	}
};

struct Client : Base
{
	Capability<Counting> const cap;
	unsigned volatile done = 0;

	Client(Env &env, Capability<Counting> cap) : Base(env, "client"), cap(cap) { start(); }

	void entry() override
	{
		for (;;) {
			unsigned const now = cap.call<Counting::Rpc_next>(unsigned(done));
			if (now != done + 1) violation("reply of another request");
			done = now;
		}
	}
};


/* exclusion */

static Mutex &mutex() { static Mutex inst; return inst; }

static unsigned volatile inside;

struct Rival : Base
{
	unsigned volatile turns = 0;

	Rival(Env &env, char const *name) : Base(env, name) { start(); }

	void entry() override
	{
		for (;;) {
			Mutex::Guard guard(mutex());
			inside = inside + 1;
			if (inside != 1) violation("two threads inside");
			for (unsigned i = 0; i < 100*1000; i++) asm volatile ("" ::: "memory");
			inside = inside - 1;
			turns  = turns + 1;
		}
	}
};


/* counting semaphore: no ticket lost or doubled */

static Genode::Semaphore &tickets() { static Genode::Semaphore inst; return inst; }

static unsigned volatile given, taken;

struct Taker : Base
{
	Taker(Env &env) : Base(env, "taker") { start(); }

	void entry() override
	{
		for (;;) {
			tickets().down();
			taken = taken + 1;
			if (taken > given) violation("ticket out of nothing");
		}
	}
};


/* registers of the VFP */

struct Computer : Base
{
	unsigned volatile rounds = 0;

	Computer(Env &env) : Base(env, "computer") { start(); }

	void entry() override
	{
		for (;;) {
			double sum = 0, step = 0.5;
			for (unsigned i = 0; i < 100*1000; i++) {
				sum += step;
				asm volatile ("" : "+w" (sum), "+w" (step));
			}
			if (sum != 50*1000.0) violation("sum in the VFP is wrong");
			rounds = rounds + 1;
		}
	}
};


struct Ended : Base
{
	Ended(Env &env) : Base(env, "ended") { start(); }
	void entry() override { }
};

/* started in the last but one round, in whatever life that is */

struct Unstarted : Base
{
	bool volatile wanted = false, ran = false;

	Unstarted(Env &env) : Base(env, "unstarted") { }

	void entry() override
	{
		if (!wanted) violation("a thread runs that nobody started");
		ran = true;
	}
};


struct Main
{
	Env &_env;

	Timer::Connection _timer { _env };
	Timer::Connection _clock { _env };

	Unstarted      _unstarted { _env };
	Ended          _ended     { _env };
	Rpc_entrypoint _server_ep { _env.runtime(), "server", Thread::Stack_size { STACK }, { } };
	Counter        _counter   { };
	Client         _client    { _env, _server_ep.manage(&_counter) };
	Rival          _a { _env, "rival a" }, _b { _env, "rival b" };
	Taker          _taker     { _env };
	Computer       _computer  { _env };

	unsigned _round = 0, _signals = 0;
	uint64_t _last  = 0;
	unsigned _seen_calls = 0, _seen_turns = 0, _seen_rounds = 0;

	Signal_handler<Main> _tick_handler { _env.ep(), *this, &Main::_tick };

	void _tick()
	{
		uint64_t const now = _clock.elapsed_ms();
		if (now < _last) violation("time ran backwards");
		_last = now;

		given = given + 1;
		tickets().up();

		if (++_signals % 4) return;

		bool const progress = _client.done > _seen_calls && _a.turns + _b.turns > _seen_turns
		                   && _computer.rounds > _seen_rounds;
		if (!progress) violation("a thread stands still");

		_seen_calls  = _client.done;
		_seen_turns  = _a.turns + _b.turns;
		_seen_rounds = _computer.rounds;

		log("round ", ++_round, ": calls ", _seen_calls, ", turns ", _seen_turns, ", sums ", _seen_rounds,
		    ", tickets ", taken, " of ", given);

		if (_round == ROUNDS - 1) {
			_unstarted.wanted = true;
			_unstarted.start();
		}
		if (_round == ROUNDS && !_unstarted.ran)
			violation("a thread does not run that was started");

		if (_round == ROUNDS)
			log("flock done, ", violations ? "with violations" : "no violation");
	}

	Main(Env &env) : _env(env)
	{
		log("flock begins");
		_timer.sigh(_tick_handler);
		_timer.trigger_periodic(PERIOD_US);
	}
};


void Component::construct(Env &env) { static Main main(env); }

/*
 * \brief  Threads that wait in every way a component has, and check each other
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/component.h>
#include <base/log.h>
#include <base/thread.h>
#include <base/mutex.h>
#include <base/semaphore.h>
#include <base/blockade.h>
#include <base/rpc_server.h>
#include <base/rpc_client.h>

using namespace Genode;

struct Sum : Interface
{
	GENODE_RPC(Rpc_next, unsigned, next, unsigned);
	GENODE_RPC_INTERFACE(Rpc_next);
};

struct Sum_client : Rpc_client<Sum>
{
	Sum_client(Capability<Sum> cap) : Rpc_client<Sum>(cap) { }
	unsigned next(unsigned v) { return call<Rpc_next>(v); }
};

struct Sum_component : Rpc_object<Sum, Sum_component>
{
	unsigned volatile calls { 0 };

	unsigned next(unsigned v)
	{
		calls = calls + 1;
		for (unsigned i = 0; i < 30000; i++) asm volatile ("");
		return v + 1;
	}
};

static Mutex             mutex { };
static unsigned volatile inside, violations, rounds[2], wrong_answers, vfp_errors, produced, consumed;
static Semaphore         items { };

struct Named_thread : Thread
{
	Named_thread(Env &env, char const *name) : Thread(env, Name(name), Stack_size { 16*1024 }) { }
};

struct Worker : Named_thread
{
	unsigned const _i;
	Worker(Env &env, unsigned i) : Named_thread(env, i ? "worker_b" : "worker_a"), _i(i) { start(); }

	void entry() override
	{
		for (;;) {
			Mutex::Guard guard(mutex);
			inside = inside + 1;
			if (inside != 1) violations = violations + 1;
			for (unsigned k = 0; k < 20000; k++) asm volatile ("");
			inside = inside - 1;
			rounds[_i] = rounds[_i] + 1;
		}
	}
};

struct Caller : Named_thread
{
	Sum_client _client;
	unsigned volatile calls { 0 };
	Caller(Env &env, char const *name, Capability<Sum> cap) : Named_thread(env, name), _client(cap) { start(); }

	void entry() override
	{
		for (unsigned i = 0; ; i += 3) {
			if (_client.next(i) != i + 1) wrong_answers = wrong_answers + 1;
			calls = calls + 1;
		}
	}
};

struct Producer : Named_thread
{
	Producer(Env &env) : Named_thread(env, "producer") { start(); }

	void entry() override
	{
		for (;;) {
			for (unsigned k = 0; k < 100000; k++) asm volatile ("");
			produced = produced + 1;
			items.up();
		}
	}
};

struct Consumer : Named_thread
{
	Consumer(Env &env) : Named_thread(env, "consumer") { start(); }

	void entry() override
	{
		for (;;) {
			items.down();
			consumed = consumed + 1;
		}
	}
};

struct Vfp : Named_thread
{
	Vfp(Env &env) : Named_thread(env, "vfp") { start(); }

	void entry() override
	{
		for (unsigned long long n = 1; ; n++) {
			unsigned long long d8 = n*0x100000001ull, d9 = ~n, a = 0, b = 0;
			asm volatile (".fpu vfpv3\n"
			              "vmov d8, %Q2, %R2\n vmov d9, %Q3, %R3\n"
			              "mov %Q0, #4096\n 1: subs %Q0, %Q0, #1\n bne 1b\n"
			              "vmov %Q0, %R0, d8\n vmov %Q1, %R1, d9\n"
			              : "=&r" (a), "=&r" (b) : "r" (d8), "r" (d9) : "d8", "d9", "cc");
			if (a != d8 || b != d9) vfp_errors = vfp_errors + 1;
		}
	}
};

struct Forever : Named_thread
{
	Blockade _never { };
	Forever(Env &env) : Named_thread(env, "forever") { start(); }
	void entry() override { _never.block(); error("FAIL woken without a reason"); }
};

struct Never : Named_thread
{
	Never(Env &env) : Named_thread(env, "never_started") { }
	void entry() override { error("FAIL started without a reason"); }
};

struct Main
{
	Env &_env;
	Rpc_entrypoint  _server { _env.runtime(), "server", Thread::Stack_size { 16*1024 }, { } };
	Sum_component   _sum { };
	Capability<Sum> _cap { _server.manage(&_sum) };
	Worker   _a { _env, 0 }, _b { _env, 1 };
	Caller   _c { _env, "caller_a", _cap }, _d { _env, "caller_b", _cap };
	Producer _producer { _env };
	Consumer _consumer { _env };
	Vfp      _vfp { _env };
	Forever  _forever { _env };
	Never    _never { _env };

	unsigned _signals { 0 };

	void _signal()
	{
		/* a signal to ourselves keeps entrypoint and signal handler busy */
		if (++_signals % 128 == 0) {
			unsigned const calls = _sum.calls, counted = _c.calls + _d.calls;
			bool const ok = !violations && !wrong_answers && !vfp_errors && consumed <= produced
			             && calls >= counted && calls <= counted + 2;
			log(ok ? "ok" : "FAIL", " signals=", _signals, " rounds=", (unsigned)rounds[0], ",", (unsigned)rounds[1],
			    " calls=", calls, "/", counted, " items=", (unsigned)consumed, "/", (unsigned)produced,
			    " violations=", (unsigned)violations, " wrong=", (unsigned)wrong_answers, " vfp=", (unsigned)vfp_errors);
		}
		Signal_transmitter(_handler).submit();
	}

	Signal_handler<Main> _handler { _env.ep(), *this, &Main::_signal };

	Main(Env &env) : _env(env)
	{
		log("target constructed");
		Signal_transmitter(_handler).submit();
	}
};

void Component::construct(Env &env)
{
	env.exec_static_constructors();
	static Main main(env);
}

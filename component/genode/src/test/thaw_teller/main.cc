/*
 * \brief  Server that is asked by targets
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/attached_ram_dataspace.h>
#include <base/component.h>
#include <base/heap.h>
#include <base/log.h>
#include <root/component.h>
#include <thaw_test/teller_session.h>
#include <timer_session/connection.h>

using namespace Genode;


struct Session_component : Rpc_object<Thaw::Teller_session, Session_component>
{
	Env               &_env;
	Timer::Connection &_timer;
	unsigned          &_calls;

	Attached_ram_dataspace _shared { _env.ram(), _env.rm(), 4096 };

	Session_component(Env &env, Timer::Connection &timer, unsigned &calls)
	: _env(env), _timer(timer), _calls(calls) { }

	unsigned next(unsigned seen) override
	{
		if (seen != _calls)
			error("VIOLATION: request ", seen, " after ", _calls, " calls");

		/* others run meanwhile, a checkpoint may be due */
		_timer.msleep(30);
		return ++_calls;
	}

	Dataspace_capability shared() override { return _shared.cap(); }

	void sigh(Signal_context_capability) override { }
};


struct Teller_root : Root_component<Session_component>
{
	Env               &_env;
	Timer::Connection &_timer;
	unsigned           _calls = 0;

	Create_result _create_session(char const *) override
	{
		log("a session is opened");
		return _alloc_obj(_env, _timer, _calls);
	}

	Teller_root(Env &env, Allocator &alloc, Timer::Connection &timer)
	: Root_component<Session_component>(env.ep(), alloc), _env(env), _timer(timer) { }
};


struct Main
{
	Env              &_env;
	Heap              _heap  { _env.ram(), _env.rm() };
	Timer::Connection _timer { _env };
	Teller_root       _root  { _env, _heap, _timer };

	Main(Env &env) : _env(env) { _env.parent().announce(_env.ep().manage(_root)); }
};


void Component::construct(Env &env) { static Main main(env); }

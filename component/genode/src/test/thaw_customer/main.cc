/*
 * \brief  Target with something that core and its parent do not know
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/attached_dataspace.h>
#include <base/attached_io_mem_dataspace.h>
#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <base/heap.h>
#include <base/log.h>
#include <base/rpc_client.h>
#include <cpu_session/connection.h>
#include <root/component.h>
#include <thaw_test/teller_session.h>
#include <timer_session/connection.h>

namespace Customer {

	using namespace Genode;

	struct Teller;
	struct Own_session;
	struct Own_root;
	struct Main;
}


struct Customer::Teller : Connection<Thaw::Teller_session>, Rpc_client<Thaw::Teller_session>
{
	Teller(Env &env, char const *args)
	:
		Connection<Thaw::Teller_session>(env, Label(), Ram_quota { 32*1024 }, Args(args)),
		Rpc_client<Thaw::Teller_session>(cap())
	{ }

	unsigned next(unsigned seen) override { return call<Rpc_next>(seen); }
	Dataspace_capability shared() override { return call<Rpc_shared>(); }
	void sigh(Signal_context_capability c) override { call<Rpc_sigh>(c); }
};


/* nobody ever gets a session */
struct Customer::Own_session : Rpc_object<Thaw::Teller_session, Own_session>
{
	unsigned next(unsigned seen) override { return seen; }
	Dataspace_capability shared() override { return { }; }
	void sigh(Signal_context_capability) override { }
};


struct Customer::Own_root : Root_component<Own_session>
{
	Create_result _create_session(char const *) override { return _alloc_obj(); }

	Own_root(Entrypoint &ep, Allocator &alloc) : Root_component<Own_session>(ep, alloc) { }
};


struct Customer::Main
{
	using Name = String<32>;

	Env &_env;

	Attached_rom_dataspace _config { _env, "config" };
	Timer::Connection      _timer  { _env };

	Name const _has = _config.node().attribute_value("has", Name("nothing"));

	Heap     _heap     { _env.ram(), _env.rm() };
	Own_root _own_root { _env.ep(), _heap };

	Constructible<Teller>                    _teller { };
	Constructible<Attached_dataspace>        _shared { };
	Constructible<Attached_io_mem_dataspace> _device { };
	Constructible<Cpu_connection>            _threads { };

	void _signal() { }

	Signal_handler<Main> _handler { _env.ep(), *this, &Main::_signal };

	void _take()
	{
		if (_has == "service")
			_env.parent().announce(_env.ep().manage(_own_root));

		if (_has == "session" || _has == "memory" || _has == "handler" || _has == "arguments")
			_teller.construct(_env, _has == "arguments" ? "color=\"red\"" : "");

		if (_has == "memory")  _shared.construct(_env.rm(), _teller->shared());
		if (_has == "handler") _teller->sigh(_handler);
		if (_has == "threads") _threads.construct(_env, "threads");
		if (_has == "device")  _device.construct(_env, _config.node().attribute_value("address", 0ul), 4096);
	}

	Main(Env &env) : _env(env)
	{
		try { _take(); }
		catch (...) { log("no ", _has); }

		for (unsigned n = 1; ; n++) {
			if (_has == "session") {
				unsigned const now = _teller->next(n - 1);
				if (now != n) error("VIOLATION: answer ", now, " to request ", n);
				if (n % 20 == 0) log("asked ", n, " times");
			} else {
				_timer.msleep(500);
				log("count ", n, " with ", _has);
			}
		}
	}
};


void Component::construct(Genode::Env &env) { static Customer::Main main(env); }

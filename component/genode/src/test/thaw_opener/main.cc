/*
 * \brief  Target that opens and closes sessions without end, and reads a module through two sessions
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <base/log.h>
#include <log_session/connection.h>
#include <timer_session/connection.h>

namespace Opener {

	using namespace Genode;

	struct Main;
}


struct Opener::Main
{
	Env &_env;

	Timer::Connection _timer { _env };

	Constructible<Attached_rom_dataspace> _twins[2] { };

	void _compare(unsigned lives)
	{
		size_t const size = _twins[0]->size();
		if (_twins[1]->size() != size || memcmp(_twins[0]->local_addr<char>(), _twins[1]->local_addr<char>(), size))
			error("VIOLATION: two sessions of a module differ");

		/* what is of the one session goes with it, and nothing else */
		unsigned const gone = lives & 1;
		_twins[gone].destruct();
		unsigned sum = 0;
		for (size_t i = 0; i < size; i += 512) sum += _twins[!gone]->local_addr<unsigned char const>()[i];
		if (!sum) error("VIOLATION: the other session's module is empty");
		_twins[gone].construct(_env, "test-thaw_opener");
	}

	Main(Env &env) : _env(env)
	{
		for (auto &twin : _twins) twin.construct(_env, "test-thaw_opener");

		/* saved here, and made again from here each time */
		_timer.msleep(2500);

		/* from now on it cannot be saved */
		_env.parent().announce("Opened");

		for (unsigned n = 1; ; n++) {
			_compare(n);
			Log_connection    log_session   { _env, "opened" };
			Timer::Connection timer_session { _env };
			log_session.write("");
			(void)timer_session.elapsed_us();
			if (n % 20 == 0) log("opened ", n);
		}
	}
};


void Component::construct(Genode::Env &env) { static Opener::Main main(env); }

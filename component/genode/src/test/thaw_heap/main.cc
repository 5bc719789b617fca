/*
 * \brief  Heap with a hash chain that is checked over and over and grows, and knows nothing of checkpoints
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <base/heap.h>
#include <base/log.h>
#include <timer_session/connection.h>

using namespace Genode;


/**
 * Each word follows from the one before it, over all blocks
 */
struct Chain
{
	uint32_t value = 0x7ea9;

	uint32_t next()
	{
		value = value*1664525 + 1013904223;
		return value ^ (value >> 13);
	}
};


struct Main
{
	enum { BLOCK = 1024*1024, WORDS = BLOCK/4, MAX_BLOCKS = 96, PAUSE_MS = 30 };

	Env &_env;

	Attached_rom_dataspace _config { _env, "config" };
	Timer::Connection      _timer  { _env };
	Heap                   _heap   { _env.ram(), _env.rm() };

	uint32_t *_blocks[MAX_BLOCKS] { };
	unsigned  _count = 0, _limit = MAX_BLOCKS;
	Chain     _end { };
	bool      _violation = false;

	void _grow()
	{
		if (_count == MAX_BLOCKS || _count == _limit) return;

		uint32_t * const block = (uint32_t *)_heap.alloc(BLOCK);
		for (unsigned i = 0; i < WORDS; i++)
			block[i] = _end.next();
		_blocks[_count++] = block;
	}

	void _check()
	{
		Chain chain { };
		for (unsigned b = 0; b < _count; b++) {
			unsigned wrong = 0;
			for (unsigned i = 0; i < WORDS; i++)
				wrong += _blocks[b][i] != chain.next();
			if (wrong) {
				error("VIOLATION: ", wrong, " words of block ", b);
				_violation = true;
			}
			_timer.msleep(PAUSE_MS);
		}
		if (chain.value != _end.value) {
			error("VIOLATION: the chain ends with another value");
			_violation = true;
		}
	}

	Main(Main const &) = delete;
	Main &operator = (Main const &) = delete;

	Main(Env &env) : _env(env)
	{
		unsigned const mib    = _config.node().attribute_value("mib",    16u);
		unsigned const rounds = _config.node().attribute_value("rounds", 6u);

		_limit = mib + _config.node().attribute_value("grow", unsigned(MAX_BLOCKS));

		log("heap begins");
		while (_count < mib)
			_grow();

		for (unsigned round = 1; round <= rounds; round++) {
			log("round ", round, ": ", _count, " MiB, chain ends with ", Hex(_end.value));
			_check();
			_grow();
		}
		_check();

		while (_count)
			_heap.free(_blocks[--_count], BLOCK);

		log("heap done, ", _violation ? "with violations" : "no violation");
		_env.parent().exit(_violation);
	}
};


void Component::construct(Env &env) { static Main main(env); }

/*
 * \brief  Memory of our own
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _MEMORY_H_
#define _MEMORY_H_

#include <base/attached_ram_dataspace.h>
#include <base/env.h>

#include <abi.h>
#include <budget.h>

namespace Thaw { class Memory; }


class Thaw::Memory : Genode::Noncopyable
{
	public:

		enum Buffer { IMAGE, BUFFERS };

	private:

		using Word = Rust::Word;
		using Span = Rust::Span;

		Genode::Env &_env;

		Genode::Constructible<Genode::Attached_ram_dataspace> _buffers[BUFFERS] { };

		unsigned _taken = 0;

	public:

		Memory(Genode::Env &env) : _env(env) { }

		/**
		 * Take memory, or give it back with 0 bytes
		 */
		Word take(Word buffer, Word bytes, Span &span)
		{
			if (buffer >= BUFFERS) return Rust::NO_MEMORY;

			_taken++;
			_buffers[buffer].destruct();
			span = { 0, 0 };
			if (!bytes) return 0;

			if (!affordable(_env, bytes, 4)) return Rust::NO_MEMORY;

			try { _buffers[buffer].construct(_env.ram(), _env.rm(), bytes); }
			catch (...) { return Rust::NO_MEMORY; }

			span = { Word(_buffers[buffer]->local_addr<char>()), bytes };

			/* later there must be no page faults of ours */
			for (Word i = 0; i < bytes; i += 4096)
				*(char volatile *)(span.addr + i) = 0;
			return 0;
		}

		/**
		 * How often memory was taken: what was in a buffer is there as long as that is the same
		 */
		unsigned taken() const { return _taken; }
};

#endif /* _MEMORY_H_ */

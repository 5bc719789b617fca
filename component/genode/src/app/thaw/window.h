/*
 * \brief  Part of our address space for views of dataspaces that are not ours
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _WINDOW_H_
#define _WINDOW_H_

#include <base/env.h>
#include <region_map/client.h>
#include <rm_session/connection.h>

#include <abi.h>
#include <budget.h>

namespace Thaw { class Window; }


/**
 * Views last while their target runs, which may free what is seen: core ends the view then. Elsewhere in our address space
 * something else would get the place, and we would detach that; here is nothing but views.
 */
class Thaw::Window : Genode::Noncopyable
{
	private:

		using Word = Rust::Word;

		enum : Genode::size_t { BYTES = 512*1024*1024 };
		enum { VIEWS = 160, UPGRADES = 16, MORE_RAM = 8*1024, MORE_CAPS = 2 };

		Genode::Env              &_env;
		Genode::Rm_connection     _rm { _env };
		Genode::Region_map_client _map { _rm.create(BYTES) };
		Word                      _base = 0;

		Word     _views[VIEWS] { };
		unsigned _count = 0;

		bool _placed()
		{
			if (_base) return true;

			Genode::Region_map::Attr attr { };
			attr.writeable = true;
			return _env.rm().attach(_map.dataspace(), attr).convert<bool>(
				[&] (Genode::Env::Local_rm::Attachment &a) {
					a.deallocate = false;
					_base = Word(a.ptr);
					return true;
				},
				[&] (Genode::Env::Local_rm::Error) { return false; });
		}

		/**
		 * Give the session more for its books, false if we have too little ourselves
		 */
		bool _upgraded()
		{
			if (!affordable(_env, MORE_RAM, MORE_CAPS)) return false;
			_rm.upgrade_ram(MORE_RAM);
			_rm.upgrade_caps(MORE_CAPS);
			return true;
		}

	public:

		Window(Genode::Env &env) : _env(env) { }

		Word view(Genode::Dataspace_capability ds, bool writeable, Rust::Span &span)
		{
			if (_count == VIEWS || !_placed()) return Rust::NO_MEMORY;

			Genode::Region_map::Attr attr { };
			attr.writeable = writeable;
			for (unsigned i = 0; i < UPGRADES; i++) {
				bool const ok = _map.attach(ds, attr).convert<bool>(
					[&] (Genode::Region_map::Range range) {
						_views[_count++] = Word(range.start);
						span = { _base + Word(range.start), Word(range.num_bytes) };
						return true;
					},
					[&] (Genode::Region_map::Attach_error) { return false; });
				if (ok) {
					/* later there must be no page faults of ours */
					for (Word at = 0; at < span.bytes; at += 4096)
						(void)*(char const volatile *)(span.addr + at);
					return 0;
				}
				if (!_upgraded()) break;
			}
			return Rust::NO_MEMORY;
		}

		/**
		 * End the newest view; false if there was none
		 */
		bool unview()
		{
			if (!_count) return false;
			_map.detach(_views[--_count]);
			return true;
		}
};

#endif /* _WINDOW_H_ */

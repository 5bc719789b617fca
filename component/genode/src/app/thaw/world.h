/*
 * \brief  What Rust asks of us: the target and the session at core in plain words
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _WORLD_H_
#define _WORLD_H_

#include <files.h>
#include <managed.h>
#include <window.h>

namespace Thaw { class World; }


class Thaw::World : Genode::Noncopyable
{
	public:

		using Word   = Rust::Word;
		using Result = Core_session::Result;

	private:

		Genode::Env                    &_env;
		Gates::Core                    &_core;
		Genode::Constructible<Files>   &_files;
		Managed                        *_selected = nullptr;
		bool                            _begun = false;
		Timer::Connection               _timer { _env };
		Quiet                          &_quiet;
		Window                          _window { _env };

		/* of a session that is short of quota, for one object */
		enum { UPGRADES = 8 };

		enum { HANDLES = 2048, BUSY_ATTEMPTS = 500 };

		Genode::Native_capability _handles[HANDLES] { };
		unsigned                  _handle_count = 0;

		Word _keep(Genode::Native_capability cap, Word &handle)
		{
			if (_handle_count == HANDLES) return Rust::NO_MEMORY;
			if (!cap.valid())             return Word(Result::NOT_FOUND);

			handle = _handle_count;
			_handles[_handle_count++] = cap;
			return 0;
		}

		Genode::Native_capability _handle(Word handle) const
		{
			return handle < _handle_count ? _handles[handle] : Genode::Native_capability();
		}

		Word _keep(Core_session::Cap_result const &result, Word &handle)
		{
			return result.convert<Word>(
				[&] (Genode::Native_capability cap) { return _keep(cap, handle); },
				[&] (Result r)                      { return Word(r); });
		}

		Managed &_managed() { return *_selected; }

		/**
		 * Call 'fn' with the files of the target
		 */
		Word _with_files(auto const &fn)
		{
			if (!_files.constructed()) return Rust::NO_FILES;
			_files->name(_managed().attr.name);
			return fn(*_files);
		}

		/**
		 * Capability with the badge, which it may have already
		 */
		Core_session::Cap_result _badged(Genode::Native_capability cap, Word badge)
		{
			if (!badge || Word(cap.local_name()) == badge)
				return cap;
			return _core->rebadge(cap, badge);
		}

		/**
		 * Apply 'fn' to the session with that id, return 'missing' if there is none
		 */
		Word _with_session(Word client_id, Word missing, auto const &fn)
		{
			Word result = missing;
			_managed().for_each_session([&] (Genode::Session_state const &s) {
				if (s.id_at_client().value == client_id)
					result = fn(s); });
			return result;
		}

		/**
		 * Repeat 'fn' with more quota of the session as long as that is what it wants
		 */
		Word _with_quota(Genode::Session_state const &s, auto const &fn)
		{
			for (unsigned attempt = 0; ; attempt++) {
				Word const result = fn();
				if (result != Word(Result::QUOTA) || attempt == UPGRADES || !s.id_at_parent.constructed())
					return result;
				_env.upgrade(s.id_at_parent->id(), "ram_quota=16K, cap_quota=8");
			}
		}

		static Genode::Region_map::Attr _attr(Rust::Attachment const &a)
		{
			return { .size = a.size, .offset = a.offset, .use_at = true, .at = a.at,
			         .executable = a.executable != 0, .writeable = a.writeable != 0 };
		}

		/**
		 * A name that does not fit becomes one that whoever reads it refuses
		 */
		static void _copy(char to[32], char const *from)
		{
			Genode::bzero(to, 32);
			if (Genode::strlen(from) > 32) {
				to[0] = 1;
				return;
			}
			for (unsigned i = 0; from[i] && i < 32; i++) to[i] = from[i];
		}

		static bool _has_more_arguments(Genode::Session_state const &);
		Word _refusal();
		Word _busy_session();
		void _own_trace_buffer(Word ds_badge, Core_session::Memory &);
		void _describe_config(Rust::Session &);
		void _describe(Target const &, Genode::Session_state const &, Rust::Session &) const;

		/* signal contexts of the target: those that its parent has, then those of its region maps */
		enum { OF_PARENT = 4, HANDLERS = 7 };

	public:

		World(World const &) = delete;
		World &operator = (World const &) = delete;

		World(Genode::Env &env, Gates::Core &core, Genode::Constructible<Files> &files, Quiet &quiet)
		: _env(env), _core(core), _files(files), _quiet(quiet) { }

		/**
		 * Choose the target that everything else is about, and keep core to ourselves
		 */
		void select(Managed &managed);

		/**
		 * Let others work with core
		 */
		void release() { if (_begun) _core->done(); _begun = false; }

		Memory &memory() { return _managed().memory; }
		bool    unview() { return _window.unview(); }

		/**
		 * Print what is in use
		 */
		void count(char const *when);

		Word open(Word &id);
		void call(Rust::Message &);
		void region(Word n, Rust::Region &);
		void nested(Word client_id, Word n, Rust::Nested &);
		void nested_region(Word map, Word n, Rust::Region &r) { r = _core->nested_region(map, n); }
		void handlers(Word badges[HANDLERS]);
		void slot(Word n, Rust::Slot &);
		void thread(Word index, Rust::Thread &);
		void session(Word n, Rust::Session &);
		Word parent();
		static void system(char name[32]);
		void target(char name[32], Word &ram, Word &caps);
		void freeze(bool);
		Word wait_until_quiet();
		void announced(char service[32]);
		Word exited() { return _managed().target() && _managed().target()->exited(); }
		void destroy();
		Word view(Word badge, Rust::Span &);
		Rust::Long now_us() { return _timer.elapsed_us(); }
		void pause() { _timer.msleep(20); }
		Word wish(Word parent, Rust::Wish const *, Word count);
		void quota(Word ram, Word caps);
		Word make(Word &id);
		Word make_session(Rust::Session const &);
		Word set_timer(Word client_id, Rust::Timer const &, Word sigh);
		Word ram(Word bytes, Word badge, Word &handle, Rust::Span &);
		Word rom(Word client_id, Word &handle);
		Word session_handle(Word client_id, Word &handle);
		Word object(Word kind, Word a, Word badge, Word &handle);
		Word attach(Word handle, Rust::Attachment const &);
		Word make_map(Word client_id, Rust::Nested const &, Word &handle, Word &ds_handle);
		Word attach_nested(Word map, Word handle, Rust::Attachment const &);
		Word fault_handler(Word map, Word sigh);
		Word set_handler(Word which, Word sigh);
		Word make_thread(Word index, Rust::Thread const &);
		Word gate(Word thread, Word badge, Word &handle) { return _keep(_core->gate(thread, badge), handle); }
		Word context(Word imprint, Word badge, Word pending, Word &handle) {
			return _keep(_core->context(imprint, badge, pending), handle); }
		Word signal_source(Word badge, Word semaphore, Word &handle) {
			return _keep(_core->signal_source(badge, semaphore), handle); }
		Word semaphore(Word thread, Word &handle) { return _keep(_core->semaphore(thread), handle); }
		Word file_size(Word file, Rust::Long &bytes) {
			return _with_files([&] (Files &files) { return files.size(file, bytes); }); }
		Word file_read(Word file, Word offset, Rust::Span const &to) {
			return _with_files([&] (Files &files) { return files.read(file, offset, to); }); }
		Word file_write(Word file, Word offset, Rust::Span const &from) {
			return _with_files([&] (Files &files) { return files.write(file, offset, from); }); }
		Word file_empty(Word file) { return _with_files([&] (Files &files) { return files.empty(file); }); }
		Word file_sync(Word file)  { return _with_files([&] (Files &files) { return files.sync(file); }); }
		Word install(Word slot, Word handle) { return Word(_core->install(slot, _handle(handle))); }
};

#endif /* _WORLD_H_ */

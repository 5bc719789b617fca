/*
 * \brief  C ABI between the objects of C++ and all the rest, which is Rust
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _ABI_H_
#define _ABI_H_

#include <thaw_core_session/thaw_core_session.h>

/*
 * Counterpart: rust/src/world.rs and entry.rs. Results are numbers of Thaw::Core_session::Result and the two
 * below. Structures of the session at core are passed as they are: they consist of words.
 */

namespace Thaw::Rust {

	using Word = Genode::uint32_t;
	using Long = Genode::uint64_t;

	enum { NO_CORE = 10, NO_MEMORY = 11, NO_SPACE = 12, FILE_REFUSED = 13, NO_FILES = 14, NO_HANDLE = ~0u };

	struct Span { Word addr, bytes; };

	struct Thread
	{
		Word result, started, priority, xpos, utcb;
		Word badges[5];
		char name[32];
	};

	struct Timer { Long elapsed_us, remaining_us, period_us; Word armed, sigh; };

	struct Session
	{
		enum { NONE, ENVIRONMENT, OPENED };

		/* client id of the configuration when its session is closed and only the dataspace is known */
		enum { CLOSED_CONFIG = 0xfffffffeu };

		Word  origin, client_id, badge, ram, caps, ds_badge;
		Span  rom;
		Word  is_timer;
		Timer timer;
		char  service[32], label[32];

		/* who serves it: core or we; somebody else, and how */
		enum { OURS, ROUTED, FORWARDED, HOLDING, WITH_ARGUMENTS };
		Word  policy;

		/* of a module whose content stays as it is: no other has had this number; else 0 */
		Word  rom_id;
	};

	struct Wish { Word client_id, badge, dataspace; };

	/* what is known of the stored images; only Rust looks into it */
	struct Stored { Long generation; Word known, reserved; };

	struct Job
	{
		char   board[32];
		Long   generation;       /* of a new checkpoint */
		Word   clones, reserved; /* how often the target was restored */
		Word   destroy, store;
		Stored stored;
	};

	struct Outcome
	{
		Long generation, us;
		Span image;
		Word threads, dataspaces, ram_bytes, ok;
		char error[128];
	};

	struct Attachment { Word map, at, size, offset, writeable, executable; };

	using Message = Core_session::Message;
	using Region  = Core_session::Region;
	using Slot    = Core_session::Slot;
	using Nested  = Core_session::Nested;

	static_assert(sizeof(Message) == 54*4 && sizeof(Region) == 10*4 && sizeof(Slot) == 6*4);
	static_assert(sizeof(Nested) == 6*4);
	static_assert(sizeof(Thread) == 18*4 && sizeof(Timer) == 32 && sizeof(Session) == 144);
	static_assert(sizeof(Job) == 72 && sizeof(Outcome) == 168);
}

extern "C" {

	/* served by Rust */

	Thaw::Rust::Word thaw_rust_checkpoint(Thaw::Rust::Job *, Thaw::Rust::Outcome *);
	Thaw::Rust::Word thaw_rust_restore   (Thaw::Rust::Job *, Thaw::Rust::Span const *image, Thaw::Rust::Outcome *);
	Thaw::Rust::Word thaw_rust_find      (Thaw::Rust::Job *, Thaw::Rust::Outcome *);
	Thaw::Rust::Word thaw_rust_load      (Thaw::Rust::Job *, Thaw::Rust::Outcome *);
	void thaw_rust_print     (Thaw::Rust::Span const *image);

	/* served by C++ */

	Thaw::Rust::Word thaw_open(Thaw::Rust::Word *id);
	void thaw_call(Thaw::Rust::Message *);
	void thaw_region(Thaw::Rust::Word n, Thaw::Rust::Region *);
	void thaw_nested(Thaw::Rust::Word client_id, Thaw::Rust::Word n, Thaw::Rust::Nested *);
	void thaw_nested_region(Thaw::Rust::Word map, Thaw::Rust::Word n, Thaw::Rust::Region *);
	void thaw_handlers(Thaw::Rust::Word badges[7]);
	void thaw_slot(Thaw::Rust::Word n, Thaw::Rust::Slot *);
	void thaw_thread(Thaw::Rust::Word index, Thaw::Rust::Thread *);
	void thaw_session(Thaw::Rust::Word n, Thaw::Rust::Session *);
	Thaw::Rust::Word thaw_parent();
	void thaw_system(char name[32]);
	void thaw_target(char name[32], Thaw::Rust::Word *ram, Thaw::Rust::Word *caps);
	void thaw_freeze(Thaw::Rust::Word);
	Thaw::Rust::Word thaw_wait_until_quiet();
	void thaw_announced(char service[32]);
	Thaw::Rust::Word thaw_exited();
	void thaw_destroy();
	Thaw::Rust::Word thaw_view(Thaw::Rust::Word badge, Thaw::Rust::Span *);
	Thaw::Rust::Word thaw_unview();
	void thaw_coherent(Thaw::Rust::Span const *);
	Thaw::Rust::Word thaw_take(Thaw::Rust::Word buffer, Thaw::Rust::Word bytes, Thaw::Rust::Span *);
	void thaw_copy(Thaw::Rust::Span const *to, Thaw::Rust::Span const *from);
	void thaw_read(Thaw::Rust::Word from, char *to, Thaw::Rust::Word bytes);
	void thaw_write(Thaw::Rust::Word to, char const *from, Thaw::Rust::Word bytes);
	Thaw::Rust::Long thaw_now_us();
	void thaw_pause();
	void thaw_say(char const *, Thaw::Rust::Word bytes);
	Thaw::Rust::Word thaw_wish(Thaw::Rust::Word parent, Thaw::Rust::Wish const *, Thaw::Rust::Word count);
	void thaw_quota(Thaw::Rust::Word ram, Thaw::Rust::Word caps);
	Thaw::Rust::Word thaw_make(Thaw::Rust::Word *id);
	Thaw::Rust::Word thaw_make_session(Thaw::Rust::Session const *);
	Thaw::Rust::Word thaw_set_timer(Thaw::Rust::Word client_id, Thaw::Rust::Timer const *, Thaw::Rust::Word sigh);
	Thaw::Rust::Word thaw_ram(Thaw::Rust::Word bytes, Thaw::Rust::Word badge, Thaw::Rust::Word *handle, Thaw::Rust::Span *);
	Thaw::Rust::Word thaw_rom(Thaw::Rust::Word client_id, Thaw::Rust::Word *handle);
	Thaw::Rust::Word thaw_session_handle(Thaw::Rust::Word client_id, Thaw::Rust::Word *handle);
	Thaw::Rust::Word thaw_object(Thaw::Rust::Word kind, Thaw::Rust::Word a, Thaw::Rust::Word badge, Thaw::Rust::Word *handle);
	Thaw::Rust::Word thaw_attach(Thaw::Rust::Word handle, Thaw::Rust::Attachment const *);
	Thaw::Rust::Word thaw_make_map(Thaw::Rust::Word client_id, Thaw::Rust::Nested const *, Thaw::Rust::Word *handle, Thaw::Rust::Word *ds_handle);
	Thaw::Rust::Word thaw_attach_nested(Thaw::Rust::Word map, Thaw::Rust::Word handle, Thaw::Rust::Attachment const *);
	Thaw::Rust::Word thaw_fault_handler(Thaw::Rust::Word map, Thaw::Rust::Word sigh);
	Thaw::Rust::Word thaw_set_handler(Thaw::Rust::Word which, Thaw::Rust::Word sigh);
	Thaw::Rust::Word thaw_make_thread(Thaw::Rust::Word index, Thaw::Rust::Thread const *);
	Thaw::Rust::Word thaw_gate(Thaw::Rust::Word thread, Thaw::Rust::Word badge, Thaw::Rust::Word *handle);
	Thaw::Rust::Word thaw_context(Thaw::Rust::Word imprint, Thaw::Rust::Word badge, Thaw::Rust::Word pending, Thaw::Rust::Word *handle);
	Thaw::Rust::Word thaw_signal_source(Thaw::Rust::Word badge, Thaw::Rust::Word semaphore, Thaw::Rust::Word *handle);
	Thaw::Rust::Word thaw_semaphore(Thaw::Rust::Word thread, Thaw::Rust::Word *handle);
	Thaw::Rust::Word thaw_install(Thaw::Rust::Word slot, Thaw::Rust::Word handle);
	Thaw::Rust::Word thaw_file_size(Thaw::Rust::Word file, Thaw::Rust::Long *bytes);
	Thaw::Rust::Word thaw_file_read(Thaw::Rust::Word file, Thaw::Rust::Word offset, char *to, Thaw::Rust::Word bytes);
	Thaw::Rust::Word thaw_file_read_into(Thaw::Rust::Word file, Thaw::Rust::Word offset, Thaw::Rust::Span const *to);
	Thaw::Rust::Word thaw_file_write(Thaw::Rust::Word file, Thaw::Rust::Word offset, Thaw::Rust::Span const *from);
	Thaw::Rust::Word thaw_file_empty(Thaw::Rust::Word file);
	Thaw::Rust::Word thaw_file_sync(Thaw::Rust::Word file);
	void thaw_abort() __attribute__((noreturn));
}

#endif /* _ABI_H_ */

/*
 * \brief  The C functions of the ABI
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/sleep.h>
#include <cpu/cache.h>
#include <util/string.h>

#include <abi_world.h>

using namespace Thaw;
using namespace Thaw::Rust;

static World *world_ptr;

void Thaw::serve_abi(World &world) { world_ptr = &world; }

static World &w() { return *world_ptr; }


extern "C" {

	Word thaw_open(Word *id)                      { return w().open(*id); }
	void thaw_call(Message *m)                    { w().call(*m); }
	void thaw_region(Word n, Rust::Region *r)      { w().region(n, *r); }
	void thaw_nested(Word id, Word n, Rust::Nested *m) { w().nested(id, n, *m); }
	void thaw_nested_region(Word map, Word n, Rust::Region *r) { w().nested_region(map, n, *r); }
	void thaw_handlers(Word badges[7])            { w().handlers(badges); }
	void thaw_slot(Word n, Slot *s)               { w().slot(n, *s); }
	void thaw_thread(Word i, Rust::Thread *t)      { w().thread(i, *t); }
	void thaw_session(Word n, Rust::Session *s)    { w().session(n, *s); }
	Word thaw_parent()                            { return w().parent(); }
	void thaw_target(char name[32], Word *ram, Word *caps) { w().target(name, *ram, *caps); }
	void thaw_freeze(Word frozen)                 { w().freeze(frozen != 0); }
	void thaw_system(char name[32])               { World::system(name); }
	Word thaw_wait_until_quiet()                  { return w().wait_until_quiet(); }
	void thaw_announced(char service[32])         { w().announced(service); }
	Word thaw_exited()                            { return w().exited(); }
	void thaw_destroy()                           { w().destroy(); }
	Word thaw_view(Word badge, Span *span)        { return w().view(badge, *span); }
	Word thaw_unview()                            { return w().unview(); }
	void thaw_coherent(Span const *span)          { Genode::cache_coherent(span->addr, span->bytes); }
	Word thaw_take(Word buffer, Word bytes, Span *span) { return w().memory().take(buffer, bytes, *span); }

	void thaw_copy(Span const *to, Span const *from) {
		Genode::memcpy((void *)to->addr, (void const *)from->addr, from->bytes); }

	void thaw_read (Word from, char *to, Word bytes)       { Genode::memcpy(to, (void const *)from, bytes); }
	void thaw_write(Word to, char const *from, Word bytes) { Genode::memcpy((void *)to, from, bytes); }

	Long thaw_now_us()                            { return w().now_us(); }
	void thaw_pause()                             { w().pause(); }
	void thaw_say(char const *text, Word bytes)   { Genode::log("thaw: ", Genode::Cstring(text, bytes)); }

	Word thaw_wish(Word parent, Wish const *wishes, Word count) { return w().wish(parent, wishes, count); }
	void thaw_quota(Word ram, Word caps)          { w().quota(ram, caps); }
	Word thaw_make(Word *id)                      { return w().make(*id); }
	Word thaw_make_session(Rust::Session const *s) { return w().make_session(*s); }
	Word thaw_set_timer(Word id, Rust::Timer const *t, Word sigh) { return w().set_timer(id, *t, sigh); }
	Word thaw_ram(Word bytes, Word badge, Word *h, Span *s) { return w().ram(bytes, badge, *h, *s); }
	Word thaw_rom(Word id, Word *h)               { return w().rom(id, *h); }
	Word thaw_session_handle(Word id, Word *h)    { return w().session_handle(id, *h); }
	Word thaw_object(Word kind, Word a, Word badge, Word *h) { return w().object(kind, a, badge, *h); }
	Word thaw_attach(Word h, Attachment const *a) { return w().attach(h, *a); }
	Word thaw_make_map(Word id, Rust::Nested const *m, Word *h, Word *ds) { return w().make_map(id, *m, *h, *ds); }
	Word thaw_attach_nested(Word map, Word h, Attachment const *a) { return w().attach_nested(map, h, *a); }
	Word thaw_fault_handler(Word map, Word sigh)  { return w().fault_handler(map, sigh); }
	Word thaw_set_handler(Word n, Word sigh) { return w().set_handler(n, sigh); }
	Word thaw_make_thread(Word i, Rust::Thread const *t) { return w().make_thread(i, *t); }
	Word thaw_gate(Word thread, Word badge, Word *h) { return w().gate(thread, badge, *h); }
	Word thaw_context(Word imprint, Word badge, Word pending, Word *h) {
		return w().context(imprint, badge, pending, *h); }
	Word thaw_signal_source(Word badge, Word semaphore, Word *h) { return w().signal_source(badge, semaphore, *h); }
	Word thaw_semaphore(Word thread, Word *h)     { return w().semaphore(thread, *h); }
	Word thaw_install(Word slot, Word h)          { return w().install(slot, h); }

	Word thaw_file_size(Word file, Long *bytes)   { return w().file_size(file, *bytes); }
	Word thaw_file_read(Word file, Word offset, char *to, Word bytes) {
		return w().file_read(file, offset, { Word(to), bytes }); }
	Word thaw_file_read_into(Word file, Word offset, Span const *to) { return w().file_read(file, offset, *to); }
	Word thaw_file_write(Word file, Word offset, Span const *from)   { return w().file_write(file, offset, *from); }
	Word thaw_file_empty(Word file)               { return w().file_empty(file); }
	Word thaw_file_sync(Word file)                { return w().file_sync(file); }

	void thaw_abort()
	{
		Genode::error("thaw: internal error, the component stands still");
		Genode::sleep_forever();
	}
}

/*
 * \brief  What Rust asks of us: the target and the session at core in plain words
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <cpu_session/client.h>
#include <pd_session/client.h>
#include <region_map/client.h>
#include <rm_session/client.h>
#include <util/arg_string.h>

#include <world.h>

using namespace Thaw;
using Genode::Session_state;


void World::select(Managed &managed)
{
	_selected = &managed;

	/* another checkpointer is done soon; if not, 'open' and 'make' are refused */
	_begun = false;
	for (unsigned i = 0; _core.constructed() && !_begun && i < BUSY_ATTEMPTS; i++) {
		_begun = _core->begin() == Result::OK;
		if (!_begun)
			pause();
	}
}


World::Word World::open(Word &id)
{
	Target * const target = _managed().target();
	if (!_core.constructed()) return Rust::NO_CORE;
	if (!target)              return Word(Result::NOT_FOUND);

	Core_session::Opened const opened = _core->open(target->child().pd_session_cap());
	id = opened.session;
	if (opened.error)
		Genode::error("thaw: engine refuses to open the target: ", (int)opened.error);
	return Word(opened.result);
}


void World::count(char const *when)
{
	if (!_core.constructed()) return;

	Core_session::Usage const usage = _core->usage();
	Genode::log("thaw: count ", when, ": ram ", _env.pd().avail_ram().value, ", caps ", _env.pd().avail_caps().value,
	            ", slots ", usage.slots, ", badges ", usage.badges, ", known ", usage.known,
	            ", core ", usage.ram);
}


void World::call(Rust::Message &message)
{
	message = _core->call(message);
}


/*
 * Core owns what a component of its CPU session's trace control sees, and nobody looks at it unless it is traced: it is
 * saved like the target's own RAM, and a target that is made again is not traced
 */
void World::_own_trace_buffer(Word ds_badge, Core_session::Memory &memory)
{
	Target * const target = _managed().target();
	if (memory != Core_session::Memory::FOREIGN || !target) return;

	target->child().with_cpu([&] (Genode::Cpu_session &cpu) {
		if (Word(cpu.trace_control().local_name()) == ds_badge)
			memory = Core_session::Memory::RAM; }, [&] { });
}


void World::region(Word n, Rust::Region &region)
{
	region = _core->region(n);
	_own_trace_buffer(region.ds_badge, region.memory);
}


void World::slot(Word n, Rust::Slot &slot)
{
	slot = _core->slot(n);
	if (slot.kind != Core_session::Kind::DATASPACE) return;

	auto memory = Core_session::Memory(slot.b);
	_own_trace_buffer(slot.badge, memory);
	slot.b = Word(memory);
}


void World::thread(Word index, Rust::Thread &out)
{
	Core_session::Thread const t = _core->thread(index);

	out = Rust::Thread {
		.result = Word(t.result), .started = t.started, .priority = t.priority,
		.xpos = t.xpos, .utcb = t.utcb,
		.badges = { t.badges.thread, t.badges.irq, t.badges.gate, t.badges.cpu_thread, t.badges.pager },
		.name = { } };
	_copy(out.name, t.name.string());
}


/*
 * Those that every session has are known otherwise
 */
bool World::_has_more_arguments(Session_state const &s)
{
	char rest[Genode::Parent::Session_args::MAX_SIZE];
	Genode::copy_cstring(rest, s.args().string(), sizeof(rest));

	char const * const known[] { "label", "ram_quota", "cap_quota", "diag" };
	for (char const *key : known)
		Genode::Arg_string::remove_arg(rest, key);

	for (char const *c = rest; *c; c++)
		if (*c == '=') return true;
	return false;
}


void World::_describe(Target const &target, Session_state const &s, Rust::Session &out) const
{
	bool const env = Genode::Parent::Env::session_id(s.id_at_client());

	out.origin    = env ? Rust::Session::ENVIRONMENT : Rust::Session::OPENED;
	out.client_id = Word(s.id_at_client().value);
	out.badge     = Word(s.cap.local_name());
	out.ram       = Word(s.donated_ram_quota().value);
	out.caps      = Word(s.donated_cap_quota().value);
	_copy(out.service, s.service().name().string());

	/* the target's name was put in front of the label when the session was opened */
	Genode::Session_label const label = s.client_label();
	Genode::Session_label const prefix(target.attr().name, " -> ");
	Genode::size_t const length = prefix.length() - 1;
	bool const prefixed = label.length() > length
	                   && !Genode::strcmp(label.string(), prefix.string(), length);
	_copy(out.label, label.string() + (prefixed ? length : 0));

	if (Rom_shim const * const rom = dynamic_cast<Rom_shim const *>(s.local_ptr)) {
		out.ds_badge = Word(rom->ds.local_name());
		out.rom      = { Word(rom->content.local_addr<char const>()), Word(rom->content.size()) };
		_copy(out.label, rom->name.string());

		/* the configuration is ours to change */
		out.rom_id   = rom->name == "config" ? 0 : rom->id;
	}
	if (Timer_shim * const timer = dynamic_cast<Timer_shim *>(s.local_ptr)) {
		Timer_shim::State const state = timer->state();
		out.is_timer = 1;
		out.timer    = { state.elapsed, state.remaining, state.period, state.armed,
		                 timer->sigh().valid() ? Word(timer->sigh().local_name()) : 0 };
	}
	if (dynamic_cast<Routed_service const *>(&s.service())) {
		Forwarder const * const forwarder = dynamic_cast<Forwarder const *>(s.local_ptr);
		out.policy = !forwarder             ? Rust::Session::ROUTED
		           : forwarder->holds()     ? Rust::Session::HOLDING
		           : _has_more_arguments(s) ? Rust::Session::WITH_ARGUMENTS : Rust::Session::FORWARDED;
	}
}


void World::session(Word n, Rust::Session &out)
{
	out = Rust::Session { };

	Word i = 0;
	bool config = false;
	_managed().with_target([&] (Target &target) {
		target.for_each_session([&] (Session_state const &s) {
			Rom_shim const * const rom = dynamic_cast<Rom_shim const *>(s.local_ptr);
			config |= rom && rom->name == "config";
			if (i++ == n) _describe(target, s, out); });

		/* the target has closed the session, and may still hold the dataspace */
		if (!config && i == n)
			_describe_config(out);
	});
}


void World::_describe_config(Rust::Session &out)
{
	Target_config const &config = _managed().config;

	out.origin    = Rust::Session::OPENED;
	out.client_id = Rust::Session::CLOSED_CONFIG;
	out.ds_badge  = Word(config.cap.local_name());
	out.rom       = { Word(config.local()), Word(config.size()) };
	_copy(out.service, "ROM");
	_copy(out.label, "config");
}


World::Word World::parent()
{
	Target * const target = _managed().target();
	return target ? Word(target->child().parent_cap().local_name()) : 0;
}


/* told by the build */
#ifndef THAW_GENODE_VERSION
#define THAW_GENODE_VERSION "of unknown version"
#endif

static_assert(sizeof(THAW_GENODE_VERSION) > 1, "the build found no version: images of all Genodes would look alike");

void World::system(char name[32]) { _copy(name, "Fiasco.OC, Genode " THAW_GENODE_VERSION); }


void World::target(char name[32], Word &ram, Word &caps)
{
	_copy(name, _managed().attr.name.string());
	ram  = Word(_managed().quota.ram.value);
	caps = Word(_managed().quota.caps.value);
}


void World::freeze(bool frozen)
{
	_managed().frozen = frozen;
	if (frozen) return;

	_managed().for_each_session([&] (Session_state const &s) {
		if (Timer_shim * const timer = dynamic_cast<Timer_shim *>(s.local_ptr))
			timer->go_on(); });
}


/*
 * The entrypoint is above all targets, like us, and only looks at our own memory: no target runs after it has looked
 */
World::Word World::_busy_session()
{
	Word result = 0;
	_managed().for_each_session([&] (Session_state const &s) {
		Forwarder const * const forwarder = dynamic_cast<Forwarder const *>(s.local_ptr);
		if (forwarder && forwarder->busy())
			result = Word(s.id_at_client().value); });
	return result;
}


World::Word World::wait_until_quiet()
{
	enum { LIMIT_MS = 1000 };

	if (!_busy_session())
		return 0;

	_quiet.wait(_timer, LIMIT_MS, [&] { return !_busy_session(); });
	return _busy_session();
}


void World::announced(char service[32])
{
	_copy(service, "");
	_managed().with_target([&] (Target &target) { _copy(service, target.announced().string()); });
}


void World::destroy()
{
	while (unview());
	_managed().destroy();
	for (unsigned i = 0; i < _handle_count; i++)
		_handles[i] = Genode::Native_capability();
	_handle_count = 0;
}


World::Word World::view(Word badge, Rust::Span &span)
{
	return _core->dataspace(badge).convert<Word>(
		[&] (Genode::Native_capability cap) {
			return _window.view(Genode::reinterpret_cap_cast<Genode::Dataspace>(cap), false, span); },
		[&] (Result r) { return Word(r); });
}


World::Word World::wish(Word parent, Rust::Wish const *wishes, Word count)
{
	Wishes &all = _managed().wishes;
	all.clear();
	all.parent = parent;
	for (Word i = 0; i < count; i++)
		if (!all.add({ wishes[i].client_id, wishes[i].badge, wishes[i].dataspace }))
			return Rust::NO_MEMORY;
	return 0;
}


World::Word World::_refusal()
{
	Wishes &wishes = _managed().wishes;
	Word const result = wishes.refusal ? wishes.refusal : Word(Result::NOT_FOUND);
	wishes.refusal = 0;
	return result;
}


World::Word World::make(Word &id)
{
	destroy();
	if (!_core.constructed())  return Rust::NO_CORE;
	if (!_begun)               return Word(Result::BUSY);
	if (!_managed().make_empty())  return _refusal();
	return open(id);
}


World::Word World::make_session(Rust::Session const &s)
{
	using namespace Genode;

	Target * const target = _managed().target();
	if (!target) return Word(Result::NOT_FOUND);

	/* the child keeps a part of the donation for itself, as it did the first time */
	size_t const ram = s.ram + target->child().session_factory().session_costs();

	String<Parent::Session_args::MAX_SIZE> const args(
		"label=\"", String<33>(Cstring(s.label, 32)), "\", ram_quota=", ram, ", cap_quota=", s.caps);

	String<33> const service(Cstring(s.service, 32));
	bool const ok = target->child().session(Parent::Client::Id { s.client_id }, service.string(),
	                                        args.string(), Affinity()).ok();
	if (ok)
		(void)target->child().session_cap(Parent::Client::Id { s.client_id });
	return ok ? 0 : _refusal();
}


World::Word World::set_timer(Word client_id, Rust::Timer const &timer, Word sigh)
{
	Genode::Native_capability const cap = _handle(sigh);

	return _with_session(client_id, Word(Result::NOT_FOUND), [&] (Session_state const &s) {
		Timer_shim * const shim = dynamic_cast<Timer_shim *>(s.local_ptr);
		if (!shim) return Word(Result::NOT_FOUND);

		shim->state({ timer.elapsed_us, timer.remaining_us, timer.period_us, timer.armed != 0 });
		if (cap.valid())
			shim->sigh(Genode::reinterpret_cap_cast<Genode::Signal_context>(cap));
		return Word(0);
	});
}


World::Word World::ram(Word bytes, Word badge, Word &handle, Rust::Span &span)
{
	using namespace Genode;

	Target * const target = _managed().target();
	if (!target) return Word(Result::NOT_FOUND);

	Pd_session_client pd(target->child().pd_session_cap());
	return pd.alloc_ram(bytes, CACHED).convert<Word>(
		[&] (Ram_dataspace_capability ds) {
			return _badged(ds, badge).convert<Word>(
				[&] (Native_capability cap) {
					Word const kept = _keep(cap, handle);
					return kept ? kept : _window.view(reinterpret_cap_cast<Dataspace>(cap), true, span);
				},
				[&] (Result r) { return Word(r); });
		},
		[&] (Alloc_error) { return Word(Result::QUOTA); });
}


World::Word World::rom(Word client_id, Word &handle)
{
	if (client_id == Rust::Session::CLOSED_CONFIG) {
		Word const badge = _managed().wishes.of({ client_id }).dataspace;
		return _badged(_managed().config.cap, badge).convert<Word>(
			[&] (Genode::Native_capability cap) {
				_managed().config.cap = Genode::reinterpret_cap_cast<Genode::Rom_dataspace>(cap);
				return _keep(cap, handle); },
			[&] (Result r) { return Word(r); });
	}
	return _with_session(client_id, Word(Result::NOT_FOUND), [&] (Session_state const &s) {
		Rom_shim const * const rom = dynamic_cast<Rom_shim const *>(s.local_ptr);
		return rom ? _keep(rom->ds, handle) : Word(Result::NOT_FOUND);
	});
}


World::Word World::session_handle(Word client_id, Word &handle)
{
	return _with_session(client_id, Word(Result::NOT_FOUND),
	                     [&] (Session_state const &s) { return _keep(s.cap, handle); });
}


World::Word World::object(Word kind, Word a, Word badge, Word &handle)
{
	using Kind = Core_session::Kind;

	Core_session::Cap_result object = Result::NOT_FOUND;

	if (Kind(kind) == Kind::NATIVE_CPU) {
		Target * const target = _managed().target();
		if (target)
			target->child().with_cpu([&] (Genode::Cpu_session &cpu) { object = cpu.native_cpu(); }, [&] { });
	} else
		object = _core->object(Kind(kind), a);

	return object.convert<Word>(
		[&] (Genode::Native_capability cap) { return _keep(_badged(cap, badge), handle); },
		[&] (Result r)                      { return Word(r); });
}


World::Word World::attach(Word handle, Rust::Attachment const &a)
{
	using namespace Genode;

	Target * const target = _managed().target();
	if (!target) return Word(Result::NOT_FOUND);

	Pd_session_client pd(target->child().pd_session_cap());

	Region_map_client rm(a.map == Core_session::STACK_AREA  ? pd.stack_area()
	                   : a.map == Core_session::LINKER_AREA ? pd.linker_area() : pd.address_space());

	auto const result = rm.attach(reinterpret_cap_cast<Dataspace>(_handle(handle)), _attr(a));
	return result.convert<Word>(
		[&] (Region_map::Range)            { return Word(0); },
		[&] (Region_map::Attach_error e) {
			Genode::error("thaw: attach at ", Hex(a.at), " in map ", a.map, ": error ", (int)e);
			return Word(Result::QUOTA);
		});
}


World::Word World::make_thread(Word index, Rust::Thread const &t)
{
	Core_session::Thread thread { };
	thread.started  = t.started;
	thread.priority = t.priority;
	thread.xpos     = t.xpos;
	thread.utcb     = t.utcb;
	thread.badges   = { t.badges[0], t.badges[1], t.badges[2], t.badges[3], t.badges[4] };
	thread.name     = Core_session::Name(Genode::Cstring(t.name, 32));

	Word const cpu_id = Word(Genode::Parent::Env::cpu().value);
	return _with_session(cpu_id, Word(Result::NOT_FOUND), [&] (Session_state const &s) {
		Genode::Capability<Genode::Cpu_session> const cpu = Genode::reinterpret_cap_cast<Genode::Cpu_session>(s.cap);

		/* the session grows with its threads; the target had paid for that, too */
		return _with_quota(s, [&] {
			Word unused = 0;
			return _keep(_core->create_thread(cpu, index, thread), unused); }); });
}


/**************************
 ** Maps of RM sessions **
 **************************/

void World::nested(Word client_id, Word n, Rust::Nested &out)
{
	out.result = Result::NOT_FOUND;
	(void)_with_session(client_id, 0, [&] (Session_state const &s) { out = _core->nested(s.cap, n); return 0u; });
}


World::Word World::make_map(Word client_id, Rust::Nested const &wanted, Word &handle, Word &ds_handle)
{
	using namespace Genode;

	return _with_session(client_id, Word(Result::NOT_FOUND), [&] (Session_state const &s) {

		Rm_session_client rm(reinterpret_cap_cast<Rm_session>(s.cap));
		Capability<Region_map> map { };
		Word const made = _with_quota(s, [&] {
			return rm.create(wanted.size).convert<Word>(
				[&] (Capability<Region_map> cap) { map = cap; return Word(0); },
				[&] (Alloc_error)                { return Word(Result::QUOTA); }); });
		if (made)
			return made;

		/* core must have seen it before it gives it another badge */
		(void)_core->nested(s.cap, 0);
		Word const kept = _keep(_badged(map, wanted.badge), handle);
		if (kept)
			return kept;

		Region_map_client client(reinterpret_cap_cast<Region_map>(_handle(handle)));
		return _keep(_badged(client.dataspace(), wanted.ds_badge), ds_handle);
	});
}


World::Word World::attach_nested(Word map, Word handle, Rust::Attachment const &a)
{
	using namespace Genode;

	Region_map_client rm(reinterpret_cap_cast<Region_map>(_handle(map)));
	return rm.attach(reinterpret_cap_cast<Dataspace>(_handle(handle)), _attr(a)).convert<Word>(
		[&] (Region_map::Range)        { return Word(0); },
		[&] (Region_map::Attach_error) { return Word(Result::QUOTA); });
}


World::Word World::fault_handler(Word map, Word sigh)
{
	using namespace Genode;

	Region_map_client rm(reinterpret_cap_cast<Region_map>(_handle(map)));
	rm.fault_handler(reinterpret_cap_cast<Signal_context>(_handle(sigh)));
	return 0;
}


/************************
 ** What a parent knows **
 ************************/

void World::handlers(Word badges[HANDLERS])
{
	for (unsigned i = 0; i < HANDLERS; i++)
		badges[i] = i < OF_PARENT || !_managed().target() ? 0 : _core->fault_handler(i - OF_PARENT);
	_managed().with_target([&] (Target &target) {
		for (unsigned i = 0; i < OF_PARENT; i++) badges[i] = target.handler_badge(i); });
}


World::Word World::set_handler(Word which, Word sigh)
{
	using namespace Genode;

	Target * const target = _managed().target();
	if (!target || which >= HANDLERS) return Word(Result::NOT_FOUND);

	auto const context = reinterpret_cap_cast<Signal_context>(_handle(sigh));
	if (which < OF_PARENT) {
		target->handler(which, context);
		return 0;
	}
	Word result = 0;
	_core->object(Core_session::Kind::REGION_MAP, which - OF_PARENT).with_result(
		[&] (Native_capability map) { Region_map_client(reinterpret_cap_cast<Region_map>(map)).fault_handler(context); },
		[&] (Result refused) { result = Word(refused); });
	return result;
}


void World::quota(Word ram, Word caps) { _managed().quota = { { ram }, { caps } }; }

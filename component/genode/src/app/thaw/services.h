/*
 * \brief  Services of the target: sessions at core with chosen badges, or objects of our own
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _SERVICES_H_
#define _SERVICES_H_

#include <base/heap.h>
#include <base/service.h>
#include <rom_session/connection.h>

#include <budget.h>
#include <gates.h>
#include <log_shim.h>
#include <rom_shim.h>
#include <target_config.h>
#include <timer_shim.h>
#include <wishes.h>

namespace Thaw {

	class Core_service;
	template <typename> class Shim_service;
	class Log_service;
	class Rom_service;
	class Timer_service;
}


/**
 * Sessions of core that we open for the target
 */
class Thaw::Core_service : public Genode::Parent_service
{
	private:

		Gates::Core  &_core;
		Wishes const &_wishes;

	public:

		Core_service(Genode::Env &env, char const *name, Gates::Core &core, Wishes const &wishes)
		: Genode::Parent_service(env, name), _core(core), _wishes(wishes) { }

		Initiate_result initiate_request(Genode::Session_state &session) override
		{
			bool const created = session.phase == Genode::Session_state::CREATE_REQUESTED;
			Initiate_result const result = Genode::Parent_service::initiate_request(session);

			/* a session that is closed has lost its id already */
			Wishes::Word const badge = created ? _wishes.of(session.id_at_client()).badge : 0;
			if (!badge || session.phase != Genode::Session_state::AVAILABLE || !_core.constructed())
				return result;

			/* core exchanges badges of an open PD only */
			if (name() == Genode::Pd_session::service_name())
				(void)_core->open(Genode::reinterpret_cap_cast<Genode::Pd_session>(session.cap));

			_core->rebadge(session.cap, badge).with_result(
				[&] (Genode::Native_capability cap) {
					session.cap = Genode::reinterpret_cap_cast<Genode::Session>(cap); },
				[&] (Core_session::Result r) {
					_wishes.refusal = Wishes::Word(r);
					session.phase = Genode::Session_state::CLOSE_REQUESTED;
					(void)Genode::Parent_service::initiate_request(session);
					session.phase = Genode::Session_state::SERVICE_DENIED;
				});
			return result;
		}
};


/**
 * Sessions that are RPC objects of our own
 */
template <typename OBJ>
class Thaw::Shim_service : public Genode::Service
{
	protected:

		using Session_state = Genode::Session_state;
		using Label         = Genode::Session_label;

		Genode::Env       &_env;
		Genode::Allocator &_alloc;
		Gates             &_gates;
		Wishes const      &_wishes;

		/**
		 * Make the object, nullptr if there is no such thing
		 */
		virtual OBJ *_make(Label const &, Wishes::Session const &) = 0;

		virtual void _destroy(OBJ &obj) { Genode::destroy(_alloc, &obj); }

	public:

		Shim_service(char const *name, Genode::Env &env, Genode::Allocator &alloc, Gates &gates,
		             Wishes const &wishes)
		: Genode::Service(name), _env(env), _alloc(alloc), _gates(gates), _wishes(wishes) { }

		Initiate_result initiate_request(Session_state &session) override
		{
			switch (session.phase) {

			case Session_state::CREATE_REQUESTED: {
				if (!session_affordable(_env)) {
					Genode::error("thaw: no quota is left for a session of ", name(), " (", session.label(),
					              "): give this component more RAM and capabilities");
					_wishes.refusal = Wishes::Word(Core_session::Result::QUOTA);
					session.phase   = Session_state::SERVICE_DENIED;
					break;
				}
				Wishes::Session const wish = _wishes.of(session.id_at_client());
				OBJ *obj = nullptr;
				try { obj = _make(session.label(), wish); }
				catch (Genode::Out_of_ram)  { return Initiate_error::OUT_OF_RAM; }
				catch (Genode::Out_of_caps) { return Initiate_error::OUT_OF_CAPS; }
				catch (...)                 { obj = nullptr; }

				if (obj) {
					Core_session::Result const managed = _gates.manage(*obj, wish.badge);
					if (managed != Core_session::Result::OK) {
						_wishes.refusal = Wishes::Word(managed);
						_destroy(*obj);
						obj = nullptr;
					}
				}
				if (!obj) {
					session.phase = Session_state::SERVICE_DENIED;
					break;
				}
				session.local_ptr = obj;
				session.cap       = obj->cap();
				session.phase     = Session_state::AVAILABLE;
				break;
			}

			case Session_state::UPGRADE_REQUESTED:
				session.phase = Session_state::CAP_HANDED_OUT;
				session.confirm_ram_upgrade();
				break;

			case Session_state::CLOSE_REQUESTED:
				if (OBJ * const obj = dynamic_cast<OBJ *>(session.local_ptr)) {
					_gates.dissolve(*obj);
					_destroy(*obj);
					session.local_ptr = nullptr;
				}
				session.phase = Session_state::CLOSED;
				break;

			default: break;
			}
			return Genode::Ok();
		}
};


class Thaw::Log_service : public Shim_service<Log_shim>
{
	private:

		Log_shim *_make(Label const &label, Wishes::Session const &) override {
			return new (_alloc) Log_shim(_env, label); }

	public:

		Log_service(auto &&... args) : Shim_service("LOG", args...) { }
};


/**
 * Modules of our own ROM service, and the target's configuration
 */
class Thaw::Rom_service : public Shim_service<Rom_shim>
{
	private:

		Gates::Core                    &_core;
		Target_config                  &_config;

		struct Opened
		{
			Genode::Rom_connection           rom;
			Genode::Rom_dataspace_capability ds { rom.dataspace() };

			Opened(Genode::Env &env, Label const &name) : rom(env, name) { }
		};

		/* keeps the session open as long as its object lives */
		struct From_parent : private Opened, Rom_shim
		{
			From_parent(Genode::Env &env, Label const &name, auto const &badge_fn)
			: Opened(env, name), Rom_shim(env, Name(name), badge_fn(Opened::ds)) { }
		};

		Genode::Rom_dataspace_capability _badged(Genode::Rom_dataspace_capability ds, Wishes::Word badge)
		{
			if (!badge || !_core.constructed() || Wishes::Word(ds.local_name()) == badge)
				return ds;

			return _core->rebadge(ds, badge).convert<Genode::Rom_dataspace_capability>(
				[&] (Genode::Native_capability cap) {
					return Genode::reinterpret_cap_cast<Genode::Rom_dataspace>(cap); },
				[&] (Core_session::Result r) {
					_wishes.refusal = Wishes::Word(r);
					return Genode::Rom_dataspace_capability();
				});
		}

		Rom_shim *_make(Label const &label, Wishes::Session const &wish) override
		{
			Label const name = label.last_element();

			if (name == "config") {
				_config.cap = _badged(_config.cap, wish.dataspace);
				return new (_alloc) Rom_shim(_env, "config", _config.cap);
			}
			return new (_alloc) From_parent(_env, name, [&] (auto ds) { return _badged(ds, wish.dataspace); });
		}

	public:

		Rom_service(Gates::Core &core, Target_config &config, auto &&... args)
		: Shim_service("ROM", args...), _core(core), _config(config) { }
};


class Thaw::Timer_service : public Shim_service<Timer_shim>
{
	private:

		Timer::Connection &_timer;
		bool const        &_frozen;

		Timer_shim *_make(Label const &, Wishes::Session const &) override {
			return new (_alloc) Timer_shim(_timer, _frozen); }

	public:

		Timer_service(Timer::Connection &timer, bool const &frozen, auto &&... args)
		: Shim_service("Timer", args...), _timer(timer), _frozen(frozen) { }
};

#endif /* _SERVICES_H_ */

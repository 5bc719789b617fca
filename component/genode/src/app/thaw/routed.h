/*
 * \brief  Services that others serve to the target
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _ROUTED_H_
#define _ROUTED_H_

#include <base/service.h>

#include <forward.h>
#include <routes.h>
#include <wishes.h>

namespace Thaw {

	class Routed_service;
	class Routed_services;
}


/**
 * A service of somebody else's. Sessions that may be opened again are forwarded, the others are the target's own: with
 * one of them it cannot be saved.
 */
class Thaw::Routed_service : public Genode::Parent_service
{
	private:

		using Session_state = Genode::Session_state;

		Genode::Env       &_env;
		Genode::Allocator &_alloc;
		Gates::Core       &_core;
		Quiet             &_quiet;
		Wishes const      &_wishes;
		bool const         _reopen;

		void _forward(Session_state &session)
		{
			Forwarder *obj = nullptr;
			try {
				obj = new (_alloc) Forwarder(_env, _core, _quiet, session.cap);
				Core_session::Result const served = obj->serve(_wishes.of(session.id_at_client()).badge);
				if (served == Core_session::Result::OK) {
					session.local_ptr = obj;
					session.cap       = obj->target_cap();
					return;
				}
				_wishes.refusal = Wishes::Word(served);
			}
			catch (...) { }

			if (obj)
				Genode::destroy(_alloc, obj);
			session.phase = Session_state::CLOSE_REQUESTED;
			(void)Parent_service::initiate_request(session);
			session.phase = Session_state::SERVICE_DENIED;
		}

		void _stop_forwarding(Session_state &session)
		{
			Forwarder * const obj = dynamic_cast<Forwarder *>(session.local_ptr);
			session.local_ptr = nullptr;
			if (obj && obj->busy())
				Genode::error("thaw: session of ", name(), " was closed in the middle of a request: "
				              "its thread is kept until the server answers, and after that");
			else if (obj)
				Genode::destroy(_alloc, obj);
		}

	public:

		Routed_service(Genode::Env &env, Genode::Service::Name const &name, bool reopen,
		               Genode::Allocator &alloc, Gates::Core &core, Quiet &quiet, Wishes const &wishes)
		:
			Genode::Parent_service(env, name), _env(env), _alloc(alloc), _core(core), _quiet(quiet),
			_wishes(wishes), _reopen(reopen)
		{ }

		Initiate_result initiate_request(Session_state &session) override
		{
			bool const created = session.phase == Session_state::CREATE_REQUESTED;
			if (session.phase == Session_state::CLOSE_REQUESTED)
				_stop_forwarding(session);

			Initiate_result const result = Parent_service::initiate_request(session);
			if (_reopen && created && session.phase == Session_state::AVAILABLE)
				_forward(session);
			return result;
		}
};


class Thaw::Routed_services : Genode::Noncopyable
{
	private:

		using Registered = Genode::Registered<Routed_service>;

		Genode::Allocator           &_alloc;
		Genode::Registry<Registered> _all { };

	public:

		Routed_services(Routes const &routes, Genode::Env &env, Genode::Allocator &alloc, Gates::Core &core,
		                Quiet &quiet, Wishes const &wishes)
		:
			_alloc(alloc)
		{
			routes.for_each([&] (Routes::Route const &route) {
				new (alloc) Registered(_all, env, route.service, route.reopen, alloc, core, quiet,
				                wishes); });
		}

		~Routed_services() { _all.for_each([&] (Registered &s) { Genode::destroy(_alloc, &s); }); }

		/**
		 * Returns nullptr if the service is not routed
		 */
		Routed_service *of(Genode::Service::Name const &name)
		{
			Routed_service *found = nullptr;
			_all.for_each([&] (Routed_service &s) { if (s.name() == name) found = &s; });
			return found;
		}
};

#endif /* _ROUTED_H_ */

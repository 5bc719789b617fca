/*
 * \brief  RPC objects that the target holds: served by an entrypoint of ours, badges of our choice
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _GATES_H_
#define _GATES_H_

#include <base/entrypoint.h>
#include <base/env.h>
#include <base/log.h>
#include <thaw_core_session/connection.h>

namespace Thaw { class Gates; }


class Thaw::Gates : Genode::Noncopyable
{
	public:

		using Word       = Genode::uint32_t;
		using Core       = Genode::Constructible<Core_connection>;
		using Capability = Genode::Native_capability;
		using Result     = Core_session::Result;

	private:

		Genode::Rpc_entrypoint   &_ep;
		Core                     &_core;
		Capability const          _ep_cap;

	public:

		/**
		 * \param ep_cap  capability of the entrypoint's thread
		 */
		Gates(Genode::Rpc_entrypoint &ep, Core &core, Capability ep_cap)
		: _ep(ep), _core(core), _ep_cap(ep_cap) { }

		/**
		 * Serve an object; with badge 0 core chooses one
		 */
		template <typename IF, typename SERVER>
		Result manage(Genode::Rpc_object<IF, SERVER> &obj, Word badge)
		{
			if (!badge)
				return _ep.manage(&obj).valid() ? Result::OK : Result::QUOTA;

			if (!_core.constructed())
				return Result::NOT_OPEN;

			return _core->own_gate(_ep_cap, badge).convert<Result>(
				[&] (Capability cap) {
					Genode::Rpc_object_base &base = obj;
					base.cap(cap);
					_ep.insert(&obj);
					return Result::OK;
				},
				[&] (Result r) { return r; });
		}

		/**
		 * Give an object that is served already another badge
		 */
		template <typename IF, typename SERVER>
		Result exchange(Genode::Rpc_object<IF, SERVER> &obj, Word badge)
		{
			_ep.dissolve(&obj);
			return manage(obj, badge);
		}

		template <typename IF, typename SERVER>
		void dissolve(Genode::Rpc_object<IF, SERVER> &obj) { _ep.dissolve(&obj); }
};

#endif /* _GATES_H_ */

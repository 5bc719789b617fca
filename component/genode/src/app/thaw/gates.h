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
		bool manage(Genode::Rpc_object<IF, SERVER> &obj, Word badge)
		{
			if (!badge)
				return _ep.manage(&obj).valid();

			if (!_core.constructed())
				return false;

			return _core->own_gate(_ep_cap, badge).convert<bool>(
				[&] (Capability cap) {
					Genode::Rpc_object_base &base = obj;
					base.cap(cap);
					_ep.insert(&obj);
					return true;
				},
				[&] (Core_session::Result r) {
					Genode::error("thaw: no RPC object with badge ", Genode::Hex(badge), ": result ", (unsigned)r);
					return false;
				});
		}

		/**
		 * Give an object that is served already another badge
		 */
		template <typename IF, typename SERVER>
		bool exchange(Genode::Rpc_object<IF, SERVER> &obj, Word badge)
		{
			_ep.dissolve(&obj);
			return manage(obj, badge);
		}

		template <typename IF, typename SERVER>
		void dissolve(Genode::Rpc_object<IF, SERVER> &obj) { _ep.dissolve(&obj); }
};

#endif /* _GATES_H_ */

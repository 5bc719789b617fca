/*
 * \brief  ROM session of the target: one module whose content stays as it is
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _ROM_SHIM_H_
#define _ROM_SHIM_H_

#include <base/attached_dataspace.h>
#include <base/rpc_server.h>
#include <rom_session/rom_session.h>

namespace Thaw { struct Rom_shim; }


/**
 * The target is never told of new content: what it has mapped must be what its image names.
 */
struct Thaw::Rom_shim : Genode::Rpc_object<Genode::Rom_session, Rom_shim>
{
	using Name = Genode::String<64>;

	Name const                             name;
	unsigned const                         id { _next_id() };   /* no other has had it */
	Genode::Rom_dataspace_capability const ds;
	Genode::Attached_dataspace const       content;   /* as we see it */

	Rom_shim(Genode::Env &env, Name const &name, Genode::Rom_dataspace_capability ds)
	: name(name), ds(ds), content(env.rm(), ds) { }

	Genode::Rom_dataspace_capability dataspace() override { return ds; }

	static unsigned _next_id() { static unsigned id; return ++id; }

	bool update() override { return true; }

	void sigh(Genode::Signal_context_capability) override { }
};

#endif /* _ROM_SHIM_H_ */

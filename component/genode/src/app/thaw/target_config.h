/*
 * \brief  Configuration of the target: a dataspace of ours
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _TARGET_CONFIG_H_
#define _TARGET_CONFIG_H_

#include <base/attached_ram_dataspace.h>
#include <base/env.h>
#include <base/log.h>
#include <base/node.h>
#include <rom_session/rom_session.h>

namespace Thaw { struct Target_config; }


struct Thaw::Target_config : Genode::Noncopyable
{
	Genode::Attached_ram_dataspace _ram;

	/* changes when the dataspace gets another badge */
	Genode::Rom_dataspace_capability cap {
		Genode::reinterpret_cap_cast<Genode::Rom_dataspace>(_ram.cap()) };

	void const *local() const { return _ram.local_addr<void>(); }
	Genode::size_t size() const { return _ram.size(); }

	Target_config(Genode::Env &env) : _ram(env.ram(), env.rm(), 4096) { }

	void write(Genode::Node const &target)
	{
		using namespace Genode;

		_ram.clear();
		Generator::generate(_ram.bytes(), "config", [&] (Generator &g) {
			target.with_optional_sub_node("config", [&] (Node const &config) {
				g.node_attributes(config);
				if (!g.append_node_content(config, { 20 }))
					warning("thaw: configuration of the target is nested too deeply");
			});
		}).with_error([] (Buffer_error) {
			warning("thaw: configuration of the target is larger than a page"); });
	}
};

#endif /* _TARGET_CONFIG_H_ */

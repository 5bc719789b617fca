/*
 * \brief  Checkpointer of one component: its parent
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * This file is distributed under the terms of the GNU Affero General Public License version 3, as it
 * is linked with Genode's libraries.
 */

#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <foc/syscall.h>

#include <target.h>

namespace Thaw { struct Main; }


struct Thaw::Main : Target::Exit
{
	Genode::Env &_env;

	Genode::Attached_rom_dataspace _config { _env, "config" };

	Timer::Connection _timer { _env };

	Gates::Core _core   { };
	Wishes      _wishes { };
	bool        _frozen = false;

	/* the entrypoint's thread is the one that constructs us */
	static Genode::Native_capability _own_gate()
	{
		enum { TCR_GATE = 1 };
		return Genode::Native_capability(
			(Genode::Native_capability::Data *)Foc::l4_utcb_tcr()->user[TCR_GATE]);
	}

	Gates _gates { _env, _core, _own_gate() };

	Genode::Attached_ram_dataspace _target_config { _env.ram(), _env.rm(), 4096 };

	Genode::Constructible<Target> _target { };

	void target_exited(int value) override
	{
		Genode::log("thaw: target exited with ", value);
	}

	void _write_target_config(Genode::Node const &target)
	{
		_target_config.clear();
		Genode::Generator::generate(_target_config.bytes(), "config", [&] (Genode::Generator &g) {
			target.with_optional_sub_node("config", [&] (Genode::Node const &config) {
				g.node_attributes(config);
				if (!g.append_node_content(config, { 20 }))
					Genode::warning("thaw: configuration of the target is nested too deeply");
			});
		}).with_error([] (Genode::Buffer_error) {
			Genode::warning("thaw: configuration of the target is larger than a page"); });
	}

	Target::Attr _attr(Genode::Node const &target) const
	{
		using Name = Genode::Child_policy::Name;
		Name const name = target.attribute_value("name", Name("target"));
		return {
			.name   = name,
			.binary = target.attribute_value("binary", name),
			.ram    = { target.attribute_value("ram",  Genode::Number_of_bytes(4*1024*1024)) },
			.caps   = { target.attribute_value("caps", 200ul) },
		};
	}

	void _start()
	{
		_config.node().with_sub_node("target", [&] (Genode::Node const &target) {
			_write_target_config(target);
			_target.construct(_env, _attr(target), false, _wishes, _core, _gates, _timer, _frozen,
			                  _target_config, *this);
			if (!_target->make())
				Genode::error("thaw: ", _target->attr().name, " could not be started");
		},
		[&] { Genode::error("thaw: no <target> in the configuration"); });
	}

	Main(Genode::Env &env) : _env(env) { _start(); }
};


void Component::construct(Genode::Env &env) { static Thaw::Main main(env); }

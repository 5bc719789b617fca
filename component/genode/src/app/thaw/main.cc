/*
 * \brief  Checkpointer of components: their parent
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/attached_rom_dataspace.h>
#include <base/component.h>

#include <checkpoint_service.h>
#include <state_report.h>

namespace Thaw { struct Main; }


/*
 * The main entrypoint serves the targets and is always prompt. Checkpoints and restores run at the worker.
 */
struct Thaw::Main : Control::Observer, Controls
{
	enum { WORKER_STACK = 512*1024 };

	Genode::Env &_env;

	Genode::Attached_rom_dataspace _config { _env, "config" };

	Timer::Connection _timer { _env };
	Genode::Heap      _heap  { _env.ram(), _env.rm() };

	Gates::Core _core { };

	/* the entrypoint's thread is the one that constructs us */
	Gates _gates { _env.ep().rpc_ep(), _core, Own_gate::of_myself() };

	Genode::Constructible<Files> _files { };

	In_entrypoint _in_entrypoint { _env.ep().rpc_ep() };

	Quiet _quiet { };
	World _world { _env, _core, _files, _quiet };

	Genode::Registry<Genode::Registered<Control>> _controls { };

	Genode::Constructible<State_report> _report { };

	Genode::Entrypoint _worker { _env, WORKER_STACK, "worker", Genode::Affinity::Location() };

	Checkpoint_root _root { _worker, _heap, *this };

	Genode::Signal_handler<Main> _start_handler  { _worker, *this, &Main::_handle_start };
	Genode::Signal_handler<Main> _config_handler { _worker, *this, &Main::_handle_config };
	Genode::Signal_handler<Main> _report_handler { _worker, *this, &Main::_handle_report };

	/* Control::Observer */
	void state_changed() override { _report_handler.local_submit(); }

	/* Controls */
	Control *control(Name const &name) override
	{
		Control *found = nullptr;
		_controls.for_each([&] (Control &control) {
			if (control.name() == name) found = &control; });
		return found;
	}

	void _handle_report()
	{
		if (_report.constructed())
			_report->generate([&] (auto const &fn) {
				_controls.for_each([&] (Control const &control) { fn(control); }); });
	}

	void _handle_start()
	{
		_controls.for_each([&] (Control &control) { control.start(); });

		/* what an image names must have been free until here */
		if (_core.constructed())
			(void)_core->use_upper_badges();
	}

	void _handle_config()
	{
		_config.update();
		Genode::Node const config = _config.node();
		config.for_each_sub_node("target", [&] (Genode::Node const &target) {
			if (Control * const known = control(_name_of(target)))
				known->apply(config, target);
			else
				Genode::warning("thaw: target ", _name_of(target), " is new: targets are made at the start only");
		});
	}

	static Name _name_of(Genode::Node const &target) { return target.attribute_value("name", Name("target")); }

	void _add(Genode::Node const &config, Genode::Node const &target)
	{
		Name const name = _name_of(target);
		if (control(name)) {
			Genode::error("thaw: two targets are called ", name);
			return;
		}
		Target::Attr const attr {
			.name   = name,
			.binary = target.attribute_value("binary", name),
			.ram    = { target.attribute_value("ram",  Genode::Number_of_bytes(4*1024*1024)) },
			.caps   = { target.attribute_value("caps", 200ul) },
			.max_ram  = { target.attribute_value("max_ram",  Genode::Number_of_bytes(0)) },
			.max_caps = { target.attribute_value("max_caps", 0ul) },
			.routes = Routes(target),
		};
		Managed::Common const common { _env, _in_entrypoint, _core, _gates, _quiet, _timer };
		new (_heap) Genode::Registered<Control>(_controls, _env, _worker, _timer, common, _world,
		                                        _files.constructed(), *this, attr, config, target);
	}

	void _connect(bool images)
	{
		if (_config.node().attribute_value("core", true))
			try { _core.construct(_env); }
			catch (...) { Genode::error("thaw: no session at core: route the service Thaw_core to this component"); }

		if (!_core.constructed()) return;

		Core_session::Result const r = _core->introduce(_env.pd_session_cap());
		if (r != Core_session::Result::OK)
			Genode::error("thaw: core does not know this component: result ", (unsigned)r);

		/* what an image names must be free when it is restored */
		if (!images)
			(void)_core->use_upper_badges();
	}

	void _open_files(Genode::Node const &store)
	{
		auto const label = store.attribute_value("label", Genode::String<64>("/"));
		try { _files.construct(_env, label); }
		catch (...) { Genode::error("thaw: no session of File_system (", label, "): images stay in memory"); }
	}

	Main(Genode::Env &env) : _env(env)
	{
		Genode::Node const config = _config.node();

		serve_abi(_world);

		config.with_optional_sub_node("store", [&] (Genode::Node const &store) { _open_files(store); });
		if (config.attribute_value("report", false))
			_report.construct(_env);

		bool images = config.has_attribute("image") || config.has_attribute("resume");
		config.for_each_sub_node("target", [&] (Genode::Node const &target) {
			images |= target.has_attribute("image") || target.has_attribute("resume"); });

		/* what a target sees of ours gets its badge after that */
		_connect(images);

		config.for_each_sub_node("target", [&] (Genode::Node const &target) { _add(config, target); });

		_config.sigh(_config_handler);
		if (config.attribute_value("serve", false))
			_env.parent().announce(_worker.manage(_root));

		_start_handler.local_submit();
	}
};


void Component::construct(Genode::Env &env) { static Thaw::Main main(env); }

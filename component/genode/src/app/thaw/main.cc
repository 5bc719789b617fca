/*
 * \brief  Checkpointer of one component: its parent
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <foc/syscall.h>

#include <abi_world.h>

namespace Thaw { struct Main; }


/*
 * The main entrypoint serves the target and is always prompt. Checkpoint and restore run at the worker.
 */
struct Thaw::Main : Target::Exit, World::Maker
{
	enum { WORKER_STACK = 512*1024 };

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

	Genode::Constructible<Target_config> _target_config { };
	Target::Attr  _attr          { };

	Genode::Constructible<Target> _target { };

	World _world { _env, _core, _wishes, _frozen, *this };

	Genode::Entrypoint _worker { _env, WORKER_STACK, "worker", Genode::Affinity::Location() };

	Genode::Signal_handler<Main> _due_handler { _worker, *this, &Main::_handle_due };

	Timer::One_shot_timeout<Main> _due { _timer, *this, &Main::_submit_due };

	void _submit_due(Genode::Duration) { _due_handler.local_submit(); }

	Rust::Long _generation = 0;


	/* World::Maker */

	Target *target() override { return _target.constructed() ? &*_target : nullptr; }

	Target::Attr const &attr() const override { return _attr; }

	Target_config &config() override { return *_target_config; }

	void destroy() override { _target.destruct(); }

	bool _make(bool restored)
	{
		_target.destruct();
		_target.construct(_env, _attr, restored, _wishes, _core, _gates, _timer, _frozen, *_target_config, *this);
		if (_target->make())
			return true;

		_target.destruct();
		return false;
	}

	Target *make_empty() override { return _make(true) ? &*_target : nullptr; }


	void target_exited(int value) override
	{
		Genode::log("thaw: ", _attr.name, " exited with ", value);
	}

	static Target::Attr _attr_from(Genode::Node const &target)
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

	struct Board
	{
		char name[32] { };

		Board(Genode::String<32> const &from) { Genode::copy_cstring(name, from.string(), sizeof(name)); }
	};

	Board _board() const
	{
		return _config.node().attribute_value("board", Genode::String<32>("unknown"));
	}

	void _restore(Rust::Span const &image)
	{
		(void)thaw_rust_restore(_board().name, &image);
	}

	void _restore_from(Genode::String<64> const &module)
	{
		Genode::Attached_rom_dataspace rom(_env, module.string());
		_restore({ Rust::Word(rom.local_addr<char>()), Rust::Word(rom.size()) });
		if (_core.constructed())
			(void)_core->use_upper_badges();
	}

	/**
	 * At the worker, when a checkpoint or the restore from a module is due
	 */
	void _handle_due()
	{
		Genode::Node const config = _config.node();

		if (!_generation && config.has_attribute("image")) {
			_generation++;
			_restore_from(config.attribute_value("image", Genode::String<64>()));
			return;
		}

		bool const destroy = config.attribute_value("destroy", false);

		Rust::Span image { };
		if (!thaw_rust_checkpoint(_board().name, ++_generation, destroy, &image))
			return;

		if (config.attribute_value("print", false))
			thaw_rust_print(&image);

		if (destroy && config.attribute_value("restore", false))
			_restore(image);

		_schedule();
	}

	void _schedule()
	{
		unsigned const period = _config.node().attribute_value("period_ms", 0u);
		if (period)
			_due.schedule(Genode::Microseconds { 1000ull * period });
	}

	void _connect()
	{
		if (_config.node().attribute_value("core", true))
			try { _core.construct(_env); }
			catch (...) { Genode::error("thaw: no session at core: route the service Thaw_core to this component"); }

		if (!_core.constructed()) return;

		Core_session::Result const r = _core->introduce(_env.pd_session_cap());
		if (r != Core_session::Result::OK)
			Genode::error("thaw: core does not know this component: result ", (unsigned)r);

		/* what an image names must be free when it is restored */
		if (!_config.node().has_attribute("image"))
			(void)_core->use_upper_badges();
	}

	Main(Genode::Env &env) : _env(env)
	{
		serve_abi(_world);
		_connect();
		_target_config.construct(env);

		Genode::Node const config = _config.node();

		config.with_sub_node("target", [&] (Genode::Node const &target) {
			_attr = _attr_from(target);
			_target_config->write(target);
		},
		[&] { Genode::error("thaw: no target in the configuration"); });

		if (config.has_attribute("image")) {
			_due_handler.local_submit();
			return;
		}
		if (!_make(false))
			Genode::error("thaw: ", _attr.name, " could not be started");

		unsigned const after = config.attribute_value("checkpoint_after_ms", 0u);
		if (after)
			_due.schedule(Genode::Microseconds { 1000ull * after });
		else
			_schedule();
	}
};


void Component::construct(Genode::Env &env) { static Thaw::Main main(env); }

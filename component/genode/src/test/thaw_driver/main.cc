/*
 * \brief  Lets targets be checkpointed and restored, step by step as configured
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <base/log.h>
#include <checkpoint_session/connection.h>
#include <timer_session/connection.h>

#include <files.h>

namespace Driver { struct Main; }


struct Driver::Main
{
	using Name    = Genode::String<64>;
	using Session = Thaw::Checkpoint_session;
	using Word    = Genode::uint32_t;

	Genode::Env &_env;

	Genode::Attached_rom_dataspace _config { _env, "config" };
	Timer::Connection              _timer  { _env };
	Thaw::Checkpoint_connection    _thaw   { _env };

	Genode::Constructible<Thaw::Files> _files { };

	static char const *_text(Session::State state)
	{
		switch (state) {
		case Session::State::NONE:    break;
		case Session::State::RUNNING: return "running";
		case Session::State::SAVED:   return "saved";
		case Session::State::EXITED:  return "exited";
		}
		return "none";
	}

	static char const *_text(Session::Result result)
	{
		switch (result) {
		case Session::Result::OK:        return "ok";
		case Session::Result::NO_TARGET: return "no such target";
		case Session::Result::REFUSED:   break;
		}
		return "refused";
	}

	static void _tell(char const *what, Session::Status const &s)
	{
		Genode::log(what, ": ", _text(s.result), ", ", _text(s.state), ", generation ", s.generation, ", ",
		            s.checkpoints, " checkpoints, ", s.restores, " restores, ", s.refusals, " refusals",
		            s.error[0] ? ", " : "", Genode::Cstring(s.error, sizeof(s.error)));
	}

	/**
	 * Change one byte of a stored image
	 */
	void _damage(Name const &target, Word file, Word offset)
	{
		char byte = 0;
		Thaw::Rust::Span const span { Word(&byte), 1 };
		_files->name(target);
		bool ok = !_files->read(file, offset, span);
		byte ^= 1;
		ok &= !_files->write(file, offset, span);
		Genode::log("damaged ", target, file ? " b" : " a", ok ? "" : ": failed");
	}

	/**
	 * Take space of the file system
	 */
	void _fill(Word bytes)
	{
		static char block[16*1024];
		for (char &byte : block) byte = 1;

		_files->name("fill");
		Word at = 0;
		while (at < bytes && !_files->write(0, at, { Word(block), sizeof(block) }))
			at += sizeof(block);
		Genode::log("filled ", at/1024, " KiB");
	}

	void _step(Genode::Node const &step)
	{
		Name const target = step.attribute_value("target", Name());
		Name const type   = step.type();

		if (type == "sleep")
			_timer.msleep(step.attribute_value("ms", 1000u));
		if (type == "checkpoint")
			_tell("checkpoint", _thaw.checkpoint(target.string(), step.attribute_value("destroy", false)));
		if (type == "restore")
			_tell("restore", _thaw.restore(target.string()));
		if (type == "status")
			_tell("status", _thaw.status(target.string()));
		if (type == "damage")
			_damage(target, step.attribute_value("file", 0u), step.attribute_value("offset", 5000u));
		if (type == "fill")
			_fill(step.attribute_value("kib", 512u)*1024);
	}

	Main(Genode::Env &env) : _env(env)
	{
		Genode::Node const config = _config.node();
		if (config.attribute_value("files", false))
			_files.construct(_env, "/", 1000u);

		config.for_each_sub_node([&] (Genode::Node const &step) { _step(step); });
		Genode::log("driver done");
	}
};


void Component::construct(Genode::Env &env) { static Driver::Main main(env); }

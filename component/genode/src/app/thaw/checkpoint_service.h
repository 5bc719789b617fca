/*
 * \brief  Checkpoint service: sessions for other components
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CHECKPOINT_SERVICE_H_
#define _CHECKPOINT_SERVICE_H_

#include <base/rpc_server.h>
#include <root/component.h>

#include <control.h>

namespace Thaw {

	struct Checkpoint_component;
	struct Checkpoint_root;

	/**
	 * Who knows the targets
	 */
	struct Controls : Genode::Interface
	{
		using Name = Genode::String<64>;

		/* nullptr: there is none */
		virtual Control *control(Name const &) = 0;
	};
}


/**
 * Served by the worker, so requests come one after the other
 */
struct Thaw::Checkpoint_component : Genode::Rpc_object<Checkpoint_session, Checkpoint_component>
{
	Controls &_controls;

	Checkpoint_component(Controls &controls) : _controls(controls) { }

	Status _with(Target const &target, auto const &fn)
	{
		Control * const control = _controls.control(Controls::Name(target.string()));
		if (control)
			return control->status(fn(*control));

		Status missing { };
		missing.result = Result::NO_TARGET;
		return missing;
	}

	Status checkpoint(Target const &target, bool destroy) override {
		return _with(target, [&] (Control &c) { return c.checkpoint(destroy); }); }

	Status restore(Target const &target) override {
		return _with(target, [&] (Control &c) { return c.restore(); }); }

	Status status(Target const &target) override {
		return _with(target, [&] (Control &) { return true; }); }
};


struct Thaw::Checkpoint_root : Genode::Root_component<Checkpoint_component>
{
	Controls &_controls;

	Create_result _create_session(char const *) override { return _alloc_obj(_controls); }

	Checkpoint_root(Genode::Entrypoint &ep, Genode::Allocator &alloc, Controls &controls)
	: Genode::Root_component<Checkpoint_component>(ep, alloc), _controls(controls) { }
};

#endif /* _CHECKPOINT_SERVICE_H_ */

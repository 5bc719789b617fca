/*
 * \brief  A target through all its lives
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _MANAGED_H_
#define _MANAGED_H_

#include <thaw_in_entrypoint.h>

#include <memory.h>
#include <target.h>

namespace Thaw { class Managed; }


/**
 * What stays when the target is destroyed and made again
 */
class Thaw::Managed : Genode::Noncopyable
{
	public:

		/**
		 * What all targets share
		 */
		struct Common
		{
			Genode::Env       &env;
			In_entrypoint     &in_entrypoint;
			Gates::Core       &core;
			Gates             &gates;
			Quiet             &quiet;
			Timer::Connection &timer;
		};

	private:

		Common const   _common;
		Target::Exit  &_exit;

		Genode::Constructible<Target> _target { };

		bool _make(bool restored)
		{
			destroy();
			_target.construct(_common.env, attr, quota, restored, wishes, _common.core, _common.gates,
			                  _common.quiet, _common.timer, frozen, config, _exit);
			if (_target->make())
				return true;

			destroy();
			return false;
		}

	public:

		using Name = Target::Name;

		Target::Attr const attr;
		Target_config      config { _common.env };
		Wishes             wishes { };
		Memory             memory { _common.env };

		/* what it was given in all */
		Target::Quota quota { };

		/* no signals of Timer sessions now */
		bool frozen = false;

		Managed(Common const &common, Target::Attr const &attr, Target::Exit &exit)
		: _common(common), _exit(exit), attr(attr) { }

		/**
		 * Returns nullptr if there is none
		 */
		Target *target() { return _target.constructed() ? &*_target : nullptr; }

		/**
		 * Start it from the beginning
		 */
		bool start()
		{
			wishes.clear();
			quota  = { attr.ram, attr.caps };
			frozen = false;
			return _make(false);
		}

		/**
		 * Make an empty one with the badges wished for
		 */
		Target *make_empty() { return _make(true) ? &*_target : nullptr; }

		/**
		 * Destroy it, on the entrypoint, where nobody serves a request of its at that time
		 */
		void destroy()
		{
			if (_target.constructed())
				_common.in_entrypoint([&] { _target.destruct(); });
		}

		/**
		 * Call 'fn' with the target, if there is one, on the entrypoint: while it runs, its sessions and all that it
		 * tells its parent come and go there
		 */
		void with_target(auto const &fn)
		{
			if (_target.constructed())
				_common.in_entrypoint([&] { fn(*_target); });
		}

		void for_each_session(auto const &fn)
		{
			with_target([&] (Target &target) { target.for_each_session(fn); });
		}
};

#endif /* _MANAGED_H_ */

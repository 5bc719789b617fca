/*
 * \brief  Report of all targets
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _STATE_REPORT_H_
#define _STATE_REPORT_H_

#include <os/reporter.h>

#include <control.h>

namespace Thaw { class State_report; }


class Thaw::State_report : Genode::Noncopyable
{
	private:

		Genode::Expanding_reporter _reporter;

		static char const *_name(Control::State state)
		{
			switch (state) {
			case Control::State::NONE:    break;
			case Control::State::RUNNING: return "running";
			case Control::State::SAVED:   return "saved";
			case Control::State::EXITED:  return "exited";
			}
			return "none";
		}

		static void _generate(Genode::Generator &g, Control const &control)
		{
			Control::Status const status = control.status(true);

			g.attribute("name",        control.name());
			g.attribute("state",       _name(status.state));
			g.attribute("generation",  status.generation);
			g.attribute("image_bytes", status.image_bytes);
			g.attribute("us",          status.us);
			g.attribute("threads",     status.threads);
			g.attribute("dataspaces",  status.dataspaces);
			g.attribute("ram_bytes",   status.ram_bytes);
			g.attribute("checkpoints", status.checkpoints);
			g.attribute("restores",    status.restores);
			g.attribute("refusals",    status.refusals);
			if (status.error[0])
				g.attribute("error", Genode::String<128>(Genode::Cstring(status.error, 127)));
		}

	public:

		State_report(Genode::Env &env) : _reporter(env, "thaw", "state") { }

		/**
		 * \param for_each  calls its argument with each target
		 */
		void generate(auto const &for_each)
		{
			_reporter.generate([&] (Genode::Generator &g) {
				for_each([&] (Control const &control) {
					g.node("target", [&] { _generate(g, control); }); }); });
		}
};

#endif /* _STATE_REPORT_H_ */

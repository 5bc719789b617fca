/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_OS_REPORTER_H
#define THAW_DECLARED_OS_REPORTER_H

#include <base/env.h>
#include <base/node.h>
#include <base/session_label.h>

namespace Genode {

	struct Expanding_reporter : Noncopyable
	{
		using Node_type = String<64>;
		using Label     = Session_label;

		Expanding_reporter(Env &, Node_type const &, Label const &);

		void generate(auto const &fn) { fn(_generator()); }

		private: Generator &_generator();
	};
}

#endif

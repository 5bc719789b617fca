/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_CONNECTION_H
#define THAW_DECLARED_BASE_CONNECTION_H

#include <base/env.h>
#include <base/log.h>

namespace Genode {

	template <typename SESSION>
	struct Connection : Noncopyable
	{
		using Args = String<160>;

		Connection(Env &, Session_label const &, Ram_quota const &, Args const &);

		Capability<SESSION> cap() const;
		void                upgrade_ram(size_t);
		void                upgrade_caps(size_t);
	};
}

#endif

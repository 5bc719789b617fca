/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_ROM_SESSION_CONNECTION_H
#define THAW_DECLARED_ROM_SESSION_CONNECTION_H

#include <base/connection.h>
#include <rom_session/rom_session.h>

namespace Genode {

	struct Rom_connection : Connection<Rom_session>
	{
		Rom_connection(Env &, Session_label const &);
		Rom_dataspace_capability dataspace();
	};
}

#endif

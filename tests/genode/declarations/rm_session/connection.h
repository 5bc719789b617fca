/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_RM_SESSION_CONNECTION_H
#define THAW_DECLARED_RM_SESSION_CONNECTION_H

#include <base/connection.h>
#include <rm_session/rm_session.h>

namespace Genode {

	struct Rm_connection : Connection<Rm_session>
	{
		explicit Rm_connection(Env &);

		Capability<Region_map> create(size_t);
		void                   destroy(Capability<Region_map>);
	};
}

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PD_SESSION_CONNECTION_H
#define THAW_DECLARED_PD_SESSION_CONNECTION_H

#include <base/connection.h>
#include <pd_session/client.h>

namespace Genode {

	struct Pd_connection : Connection<Pd_session>, Pd_session_client { Pd_connection(Env &, Session_label const &); };
}

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_CPU_SESSION_CONNECTION_H
#define THAW_DECLARED_CPU_SESSION_CONNECTION_H

#include <base/connection.h>
#include <cpu_session/client.h>

namespace Genode {

	struct Cpu_connection : Connection<Cpu_session> { Cpu_connection(Env &, Session_label const &); };
}

#endif

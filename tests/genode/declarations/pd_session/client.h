/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PD_SESSION_CLIENT_H
#define THAW_DECLARED_PD_SESSION_CLIENT_H

#include <base/rpc_client.h>
#include <pd_session/pd_session.h>

namespace Genode { struct Pd_session_client : Pd_session { explicit Pd_session_client(Pd_session_capability); }; }

#endif

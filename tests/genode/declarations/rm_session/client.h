/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_RM_SESSION_CLIENT_H
#define THAW_DECLARED_RM_SESSION_CLIENT_H

#include <rm_session/rm_session.h>

namespace Genode { struct Rm_session_client : Rm_session { explicit Rm_session_client(Capability<Rm_session>); }; }

#endif

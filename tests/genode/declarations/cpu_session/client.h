/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_CPU_SESSION_CLIENT_H
#define THAW_DECLARED_CPU_SESSION_CLIENT_H

#include <base/rpc_client.h>
#include <cpu_session/cpu_session.h>

#endif

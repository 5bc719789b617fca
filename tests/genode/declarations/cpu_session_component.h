/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_CPU_SESSION_COMPONENT_H
#define THAW_DECLARED_CPU_SESSION_COMPONENT_H

#include <base/rpc_server.h>
#include <cpu_thread_component.h>

namespace Core { struct Cpu_session_component : Rpc_object<Cpu_session> { }; }

#endif

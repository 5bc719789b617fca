/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_CPU_THREAD_COMPONENT_H
#define THAW_DECLARED_CPU_THREAD_COMPONENT_H

#include <base/rpc_server.h>
#include <platform_thread.h>

namespace Core { struct Cpu_thread_component : Rpc_object<Cpu_thread> { Platform_thread &platform_thread(); }; }

#endif

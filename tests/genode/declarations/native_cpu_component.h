/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_NATIVE_CPU_COMPONENT_H
#define THAW_DECLARED_NATIVE_CPU_COMPONENT_H

#include <base/rpc_server.h>
#include <types.h>

namespace Core { struct Native_cpu_component : Rpc_object_base { }; }

#endif

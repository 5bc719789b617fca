/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_COMPONENT_H
#define THAW_DECLARED_BASE_COMPONENT_H

#include <base/entrypoint.h>
#include <base/env.h>

namespace Component { void construct(Genode::Env &); }

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_BLOCKADE_H
#define THAW_DECLARED_BASE_BLOCKADE_H

#include <util/interface.h>

namespace Genode { struct Blockade : Noncopyable { void block(); void wakeup(); }; }

#endif

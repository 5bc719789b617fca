/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_SEMAPHORE_H
#define THAW_DECLARED_BASE_SEMAPHORE_H

#include <util/interface.h>

namespace Genode { struct Semaphore : Noncopyable { void up(); void down(); }; }

#endif

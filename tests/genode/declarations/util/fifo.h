/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_FIFO_H
#define THAW_DECLARED_UTIL_FIFO_H

namespace Genode { template <typename T> struct Fifo { bool empty() const; }; }

#endif

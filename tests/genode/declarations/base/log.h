/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_LOG_H
#define THAW_DECLARED_BASE_LOG_H

#include <util/string.h>

namespace Genode {

	template <Printable... T> void log(T const &...);
	template <Printable... T> void warning(T const &...);
	template <Printable... T> void error(T const &...);
}

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_EXCEPTION_H
#define THAW_DECLARED_BASE_EXCEPTION_H

namespace Genode {

	struct Exception { };
	struct Out_of_ram  : Exception { };
	struct Out_of_caps : Exception { };
}

#endif

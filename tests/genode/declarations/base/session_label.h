/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_SESSION_LABEL_H
#define THAW_DECLARED_BASE_SESSION_LABEL_H

#include <util/string.h>

namespace Genode {

	struct Session_label : String<160>
	{
		using String<160>::String;

		Session_label last_element() const;
		Session_label prefix() const;
	};

	Session_label label_from_args(char const *);
}

#endif

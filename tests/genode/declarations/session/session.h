/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_SESSION_SESSION_H
#define THAW_DECLARED_SESSION_SESSION_H

#include <base/session_label.h>
#include <util/interface.h>

namespace Genode {

	struct Ram_quota { size_t value; };
	struct Cap_quota { size_t value; };

	struct Session : Interface { using Label = Session_label; };

	Ram_quota ram_quota_from_args(char const *);
	Cap_quota cap_quota_from_args(char const *);
}

#endif

/*
 * \brief  Whom the C functions serve
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * This file is distributed under the terms of the GNU Affero General Public License version 3, as it
 * is linked with Genode's libraries.
 */

#ifndef _ABI_WORLD_H_
#define _ABI_WORLD_H_

#include <world.h>

namespace Thaw { void serve_abi(World &); }

#endif /* _ABI_WORLD_H_ */
